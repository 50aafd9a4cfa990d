#!/usr/bin/env bash
# Speaker encoders, one resumable command for each stage:
#   recipes/speaker/run.sh STAGE     from the root of the repository, in its virtual environment
# STAGE: ecapa, rescnn, rescnn-triplet, gru, gru-triplet, small, evaluate, in this order.
# CORPUS is the folder of real speech, THREADS the CPU threads to take.
set -euo pipefail
CORPUS=${CORPUS:-../shared/corpus}
HELD="@recipes/speaker/held_out.txt"

data=("$CORPUS/LibriSpeech" "$CORPUS/LJSpeech-1.1" "$CORPUS/CommonVoice/en" "$CORPUS/speechocean762")
common=(speaker --data "${data[@]}" --held-out "$HELD" --threads "${THREADS:-1}")
# Deep Speaker learns slowly: clean speech, short pieces, more speakers in a batch
deep=("${common[@]}" --augment 0 --max-seconds 1.3 --validate-every 200)

case ${1:-} in
ecapa)           # 256 channels: 2.1 M parameters, 2.1 MB as int8
  valle train "${common[@]}" --out runs/ecapa --model ecapa --channels 256 --head aam \
    --max-seconds 2 --validate-every 500 --steps 3000 ;;
rescnn)          # first width 24: 3.6 M parameters
  valle train "${deep[@]}" --out runs/rescnn --model deep-speaker-rescnn --channels 24 \
    --head softmax --batch-size 48 --lr 2e-3 --steps 1500 ;;
rescnn-triplet)  # negatives near the anchor, of all speakers, sought anew every 100 steps
  valle train "${deep[@]}" --out runs/rescnn-triplet --phase triplet --init runs/rescnn \
    --batch-size 24 --warmup 20 --steps 700 ;;
gru)             # 256 units: 2.7 M parameters
  valle train "${deep[@]}" --out runs/gru --model deep-speaker-gru --channels 256 \
    --head softmax --batch-size 48 --lr 2e-3 --warmup 50 --steps 300 ;;
gru-triplet)
  valle train "${deep[@]}" --out runs/gru-triplet --phase triplet --init runs/gru \
    --batch-size 24 --warmup 20 --steps 120 ;;
small)           # int8, as they would be shipped
  for run in ecapa rescnn-triplet gru-triplet; do
    python -c 'import sys; from valle.speaker.model import SpeakerModel as M
M.load(sys.argv[1]).save(sys.argv[2], "int8")' runs/$run runs/$run-int8
  done ;;
evaluate)        # the same trials for all; ${@:2} adds encoders, such as wavlm-xvector
  valle evaluate speaker --data "${data[@]}" --held-out "$HELD" --out runs/eval-speaker \
    --model resemblyzer runs/{ecapa,rescnn,rescnn-triplet,gru,gru-triplet} \
    runs/{ecapa,rescnn-triplet,gru-triplet}-int8 "${@:2}" ;;
*) sed -n 2,5p "$0"; exit 2 ;;
esac
