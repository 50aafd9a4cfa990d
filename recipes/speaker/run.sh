#!/usr/bin/env bash
# Speaker encoders, one resumable command for each stage:
#   recipes/speaker/run.sh STAGE     from the root of the repository, in its virtual environment
# STAGE: ecapa, rescnn, rescnn-triplet, gru, gru-triplet, small, evaluate, in this order.
# CORPUS is the folder of real speech, THREADS the CPU threads to take.
set -euo pipefail
CORPUS=${CORPUS:-../shared/corpus}
HELD="@recipes/speaker/held_out.txt"

data=("$CORPUS/LibriSpeech" "$CORPUS/LJSpeech-1.1" "$CORPUS/CommonVoice/en" "$CORPUS/speechocean762")
common=(--stage speaker --data "${data[@]}" --held-out "$HELD" --threads "${THREADS:-1}"
        --max-seconds 2 --validate-every 250)

case ${1:-} in
ecapa)           # 384 channels: 3.9 M parameters, less than 4 MiB as int8
  valle train "${common[@]}" --out runs/ecapa --model ecapa --channels 384 --head aam --steps 6000 ;;
rescnn)          # first width 24: 3.6 M parameters
  valle train "${common[@]}" --out runs/rescnn --model deep-speaker-rescnn --channels 24 \
    --head softmax --steps 4000 ;;
rescnn-triplet)  # hard negatives from all speakers, sought anew every 100 steps
  valle train "${common[@]}" --out runs/rescnn-triplet --phase triplet --init runs/rescnn \
    --steps 1500 ;;
gru)             # 256 units: 2.7 M parameters
  valle train "${common[@]}" --out runs/gru --model deep-speaker-gru --channels 256 \
    --head softmax --steps 4000 ;;
gru-triplet)
  valle train "${common[@]}" --out runs/gru-triplet --phase triplet --init runs/gru --steps 1500 ;;
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
