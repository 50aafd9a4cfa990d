#!/usr/bin/env bash
# The starter voice, one resumable command for each stage:
#   recipes/starter/run.sh STAGE     from the root of the repository, in its virtual environment
# STAGE: teachers natural codec codes aligner voices ar nar fill decoder pack evaluate, in this order.
# "all" is every one of them. CORPUS is the folder of real speech. PERCENT=1 takes a hundredth of the
# steps, of the teachers' sentences and of what is filled: a trial of everything, into runs/starter.
set -euo pipefail
CORPUS=${CORPUS:-../shared/corpus}
PERCENT=${PERCENT:-100}
HERE=recipes/starter
HELD="@$HERE/held_out.txt"
export PYTHONPATH=.
if [ "$PERCENT" = 100 ]; then
  weights=weights/starter protocols=(small real hard continuation synthetic)
else
  weights=runs/starter protocols=(listen)
fi

codec_data=("$CORPUS/LibriSpeech" "$CORPUS/LJSpeech-1.1" "$CORPUS/CommonVoice" "$CORPUS/speechocean762")
codec_held=(1088 2136 3526 4640 5789 7367 'SPEAKER*7')
prepared=(data/prepared/{teachers,teachers-heldout,drills,LibriSpeech,LJSpeech,CommonVoice,speechocean})
common=(--data "${prepared[@]}" data/prepared/speed --held-out "$HELD" --codec runs/codec-int8 --lr 1.5e-3
        --max-seconds 16.4 --compile --threads 1 --validate-every 200)

share() { echo $((($1 * PERCENT + 99) / 100)); }
prepare() { valle prepare "$1" "data/prepared/$2" --max-broken 1 --codec runs/codec-int8; }

case ${1:-} in
teachers)  # 15 h of prose, 4.3 h of drills, 64 speakers, exact timings; 30 minutes
  python $HERE/teachers.py "$CORPUS" data --clips "$(share 9895)" --drills "$(share 4000)" ;;
natural)   # Kokoro's voices and their blends, 10 h by 300 speakers; 6 hours of one core
  python $HERE/natural.py "$CORPUS" data --hours "$(share 1000)e-2" ;;
codec)     # 13 minutes
  valle train codec --data "${codec_data[@]}" --held-out "${codec_held[@]}" \
    $(python $HERE/cv_dev.py "$CORPUS") --out runs/codec --steps "$(share 3000)" --max-hours 16 --warmup 50
  python -c 'from codec.spectral import SpectralCodec as C; C.load("runs/codec").save("runs/codec-int8")' ;;
codes)     # phones and codes, PocketSphinx's timings of the real speech; 20 minutes
  for c in teachers teachers-heldout drills; do prepare data/$c $c; done
  prepare "$CORPUS/LibriSpeech" LibriSpeech
  prepare "$CORPUS/LJSpeech-1.1" LJSpeech
  prepare "$CORPUS/CommonVoice/en" CommonVoice
  prepare "$CORPUS/speechocean762" speechocean
  python $HERE/listen.py data/prepared/{LibriSpeech,LJSpeech,CommonVoice,speechocean} ;;
aligner)   # our own, for prompts and candidates; 5 minutes
  valle train aligner --data "${prepared[@]}" --held-out "$HELD" --out runs/aligner \
    --steps "$(share 900)" --warmup 30 --validate-every 200 ;;
voices)    # texts by Whisper, where none or a wrong one is, and every voice at four more speeds; 2 hours
  python $HERE/hear.py data/prepared/{LibriSpeech,LJSpeech,CommonVoice,speechocean}
  python $HERE/listen.py data/prepared/{LibriSpeech,LJSpeech,CommonVoice,speechocean}
  python $HERE/speeds.py data/speed data/prepared/{LibriSpeech,LJSpeech,CommonVoice}
  prepare data/speed speed ;;
ar)        # 4 hours
  valle train ar "${common[@]}" --out runs/ar --steps "$(share 7000)" --corrupt 0.1 ;;
nar)       # 3 hours
  valle train nar "${common[@]}" --out runs/nar --steps "$(share 5000)" \
    --n-codebooks 4 --d-ff 640 --vocabulary runs/ar ;;
fill)      # real speech as AR and NAR expect it, 2.5 hours; 20 minutes on one core
  valle pack runs/voice --codec runs/codec-int8 --ar runs/ar --nar runs/nar --aligner runs/aligner
  python $HERE/fill.py data/filled runs/voice "${prepared[@]}" --hours "$(share 250)e-2" ;;
decoder)   # the codec's decoder alone goes on: phones, voices in disguise, what AR and NAR expect; an hour
  valle train decoder --data "${prepared[@]}" --held-out "$HELD" --init runs/codec-int8 \
    --vocabulary runs/ar --filled data/filled --out runs/decoder --steps "$(share 4300)" \
    --discriminator-from 0.7 --warmup 100 --validate-every 250 --threads 1 ;;
pack)
  valle pack $weights --codec runs/decoder --ar runs/ar --nar runs/nar --aligner runs/aligner ;;
evaluate)
  valle evaluate codec --codec $weights --n-codebooks 8 4 --clips 40 --held-out "$HELD" \
    --data data/prepared/{LibriSpeech,CommonVoice} --out runs/eval-codec
  for name in "${protocols[@]}"; do
    data=$CORPUS; [ "$name" != synthetic ] || data=data
    valle evaluate voice --model $weights --protocol recipes/protocols/$name.jsonl --data "$data" \
      --out runs/eval-$name
  done
  valle evaluate parts --model $weights --protocol recipes/protocols/real.jsonl --data "$CORPUS" \
    --clips 40 --out runs/eval-parts ;;
all)
  for stage in $(sed -n 's/^# STAGE: \(.*\), in this order\.$/\1/p' "$0"); do "$0" "$stage"; done ;;
*) sed -n 2,7p "$0"; exit 2 ;;
esac
