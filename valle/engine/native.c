/* One token of the AR for every row of a batch, over its cache: the arithmetic of kvcache.py's step
 * without an operation of torch for each part of it. native.py compiles and calls it.
 *
 * Every number is computed by one thread and in one order, whatever the batch and the number of
 * threads: a row's logits do not depend on its neighbours, to the last bit.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void) { return 0; }
#endif

enum { FLOAT32, BFLOAT16, INT8 };

typedef struct {          /* [rows, columns]; int8 has a scale for each row */
    const void *weight;
    const float *scale;
    int64_t kind, rows, columns;
} Matrix;

typedef struct {
    const float *norm_attention, *norm_feed_forward;
    Matrix qkv, out, gate_up, down;
    void *keys, *values;  /* [batch, n_head, capacity, d_head] */
} Layer;

typedef struct {
    const float *embedding, *norm;
    const float *turns;   /* [capacity, d_head / 2, 2]: cosines and sines of the positions */
    Matrix head;
    const Layer *layers;
    int64_t n_layer, n_head, d_model, d_ff, cache_kind, capacity;
    int64_t first_code, codebook_size, group;
    float norm_eps;
} Model;

static float from_bfloat16(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
}

static uint16_t to_bfloat16(float value) {  /* to the nearest, ties to even */
    uint32_t wide;
    memcpy(&wide, &value, 4);
    return (uint16_t)((wide + 0x7fff + (wide >> 16 & 1)) >> 16);
}

#define SAME(value) (value)
#define DEFINE_DOT(name, type, value)                                              \
    static float name(const type *restrict w, const float *restrict x, int64_t n) { \
        float sum = 0;                                                             \
        _Pragma("omp simd reduction(+:sum)")                                       \
        for (int64_t i = 0; i < n; i++) sum += value(w[i]) * x[i];                 \
        return sum;                                                                \
    }
DEFINE_DOT(dot_float32, float, SAME)
DEFINE_DOT(dot_bfloat16, uint16_t, from_bfloat16)
DEFINE_DOT(dot_int8, int8_t, (float))

static float row_times(const Matrix *m, int64_t row, const float *x) {
    int64_t n = m->columns, at = row * n;
    switch (m->kind) {
    case FLOAT32: return dot_float32((const float *)m->weight + at, x, n);
    case BFLOAT16: return dot_bfloat16((const uint16_t *)m->weight + at, x, n);
    default: return m->scale[row] * dot_int8((const int8_t *)m->weight + at, x, n);
    }
}

static void add_row(const Matrix *m, int64_t row, float share, float *restrict out) {
    int64_t n = m->columns;
    if (m->kind == FLOAT32) {
        const float *w = (const float *)m->weight + row * n;
        for (int64_t i = 0; i < n; i++) out[i] += share * w[i];
    } else {
        const uint16_t *w = (const uint16_t *)m->weight + row * n;
        for (int64_t i = 0; i < n; i++) out[i] += share * from_bfloat16(w[i]);
    }
}

static float fast_exp(float x) {  /* 2^whole e^rest, Taylor to the sixth power: error 2e-7 */
    x = fminf(fmaxf(x, -80), 80) * 1.44269504f;
    float whole = floorf(x), rest = (x - whole) * 0.69314718f, power;
    uint32_t bits = (uint32_t)((int32_t)whole + 127) << 23;
    memcpy(&power, &bits, 4);
    return power * (1 + rest * (1 + rest * (1.f / 2 + rest * (1.f / 6 + rest * (1.f / 24
                   + rest * (1.f / 120 + rest * (1.f / 720)))))));
}

static void rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out) {
    float scale = 1 / sqrtf(dot_float32(x, x, n) / n + eps);
    for (int64_t i = 0; i < n; i++) out[i] = x[i] * scale * weight[i];
}

static void rotate(float *x, const float *turn, int64_t n) {
    for (int64_t i = 0; i < n; i += 2) {
        float first = x[i], second = x[i + 1];
        x[i] = first * turn[i] - second * turn[i + 1];
        x[i + 1] = first * turn[i + 1] + second * turn[i];
    }
}

static void store(void *cache, int64_t kind, int64_t place, const float *x, int64_t n) {
    if (kind == FLOAT32) memcpy((float *)cache + place * n, x, n * sizeof(float));
    else for (int64_t i = 0; i < n; i++) ((uint16_t *)cache)[place * n + i] = to_bfloat16(x[i]);
}

static Matrix part(void *cache, int64_t kind, int64_t place, int64_t length, int64_t n) {
    char *start = (char *)cache + place * n * (kind == FLOAT32 ? 4 : 2);
    return (Matrix){start, NULL, kind, length, n};
}

/* One head's scaled dot-product attention of query q. */
static void attend(const float *q, const Matrix *keys, const Matrix *values, float *score,
                   float *out) {
    float most = -INFINITY, total = 0, scale = 1 / sqrtf((float)keys->columns);
    for (int64_t t = 0; t < keys->rows; t++) {
        score[t] = row_times(keys, t, q) * scale;
        most = fmaxf(most, score[t]);
    }
    #pragma omp simd reduction(+:total)
    for (int64_t t = 0; t < keys->rows; t++) total += score[t] = fast_exp(score[t] - most);
    memset(out, 0, keys->columns * sizeof(float));
    for (int64_t t = 0; t < keys->rows; t++) add_row(values, t, score[t] / total, out);
}

/* A token's row of the table; of a group of codes, the sum of its digits' rows (tokens.py). */
static void embed(const Model *m, int64_t token, float *out) {
    int64_t wide = m->d_model, code = token - m->first_code, row = m->first_code;
    if (code < 0) {
        memcpy(out, m->embedding + token * wide, wide * sizeof(float));
        return;
    }
    memset(out, 0, wide * sizeof(float));
    for (int64_t digit = 0; digit < m->group; digit++, row += m->codebook_size) {
        const float *found = m->embedding + (row + code % m->codebook_size) * wide;
        for (int64_t i = 0; i < wide; i++) out[i] += found[i];
        code /= m->codebook_size;
    }
}

/* How many floats `step` needs to work in. */
int64_t scratch_size(const Model *m, int64_t batch, int64_t threads) {
    return batch * (5 * m->d_model + m->d_ff) + threads * (batch * m->d_model + m->capacity);
}

/* One more token in each row, whose cache holds `lengths` [batch] tokens, to logits [batch, V]. */
void step(const Model *m, int64_t batch, const int64_t *tokens, const int64_t *lengths,
          int64_t threads, float *scratch, float *logits) {
    int64_t wide = m->d_model, inner = m->d_ff, heads = m->n_head, d_head = wide / heads;
    float *x = scratch, *qkv = x + batch * wide, *y = qkv + batch * 3 * wide;
    float *gated = y + batch * wide, *private = gated + batch * inner;

    #pragma omp parallel num_threads(threads)
    {
        float *normed = private + omp_get_thread_num() * (batch * wide + m->capacity);
        float *score = normed + batch * wide;

        #pragma omp for schedule(static)
        for (int64_t b = 0; b < batch; b++)
            embed(m, tokens[b], x + b * wide);

        for (const Layer *layer = m->layers; layer < m->layers + m->n_layer; layer++) {
            for (int64_t b = 0; b < batch; b++)  /* each thread for itself: cheaper than waiting */
                rms_norm(x + b * wide, layer->norm_attention, m->norm_eps, wide, normed + b * wide);
            #pragma omp for schedule(static)
            for (int64_t row = 0; row < 3 * wide; row++)
                for (int64_t b = 0; b < batch; b++)
                    qkv[b * 3 * wide + row] = row_times(&layer->qkv, row, normed + b * wide);
            #pragma omp for schedule(static)
            for (int64_t task = 0; task < batch * heads; task++) {
                int64_t b = task / heads, first = task * m->capacity, place = lengths[b];
                int64_t kind = m->cache_kind;
                float *q = qkv + b * 3 * wide + task % heads * d_head, *k = q + wide, *v = k + wide;
                const float *turn = m->turns + place * d_head;
                rotate(q, turn, d_head);
                rotate(k, turn, d_head);
                store(layer->keys, kind, first + place, k, d_head);
                store(layer->values, kind, first + place, v, d_head);
                Matrix keys = part(layer->keys, kind, first, place + 1, d_head);
                Matrix values = part(layer->values, kind, first, place + 1, d_head);
                attend(q, &keys, &values, score, y + task * d_head);
            }
            #pragma omp for schedule(static)
            for (int64_t row = 0; row < wide; row++)
                for (int64_t b = 0; b < batch; b++)
                    x[b * wide + row] += row_times(&layer->out, row, y + b * wide);
            for (int64_t b = 0; b < batch; b++)
                rms_norm(x + b * wide, layer->norm_feed_forward, m->norm_eps, wide,
                         normed + b * wide);
            #pragma omp for schedule(static)
            for (int64_t row = 0; row < inner; row++)
                for (int64_t b = 0; b < batch; b++) {
                    float gate = row_times(&layer->gate_up, row, normed + b * wide);
                    float up = row_times(&layer->gate_up, inner + row, normed + b * wide);
                    gated[b * inner + row] = gate / (1 + fast_exp(-gate)) * up;
                }
            #pragma omp for schedule(static)
            for (int64_t row = 0; row < wide; row++)
                for (int64_t b = 0; b < batch; b++)
                    x[b * wide + row] += row_times(&layer->down, row, gated + b * inner);
        }

        for (int64_t b = 0; b < batch; b++)
            rms_norm(x + b * wide, m->norm, m->norm_eps, wide, normed + b * wide);
        #pragma omp for schedule(static)
        for (int64_t row = 0; row < m->head.rows; row++)
            for (int64_t b = 0; b < batch; b++)
                logits[b * m->head.rows + row] = row_times(&m->head, row, normed + b * wide);
    }
}
