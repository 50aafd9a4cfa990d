#!/usr/bin/env bash
# The recogniser, one resumable command for each stage:
#   recipes/recognizer/run.sh STAGE     from the root of the repository, in its virtual environment
# STAGE: teachers train small evaluate align phones, in this order.
# CORPUS is the folder of real speech, THREADS the CPU threads to take.
set -euo pipefail
CORPUS=${CORPUS:-../shared/corpus}
HELD="@recipes/speaker/held_out.txt"
export PYTHONPATH=.

data=("$CORPUS/LibriSpeech" "$CORPUS/LJSpeech-1.1" "$CORPUS/CommonVoice/en" "$CORPUS/speechocean762")

case ${1:-} in
teachers)  # synthetic sentences for text that the recordings do not have; 22 minutes
  python recipes/starter/teachers.py "$CORPUS" data --clips 4500 ;;
train)
  valle train recognizer --data "${data[@]}" data/teachers --held-out "$HELD" \
    --out runs/recognizer --steps 1800 --warmup 150 --validate-every 200 --threads "${THREADS:-1}" ;;
small)     # int8, as it would be shipped
  python -c 'from valle.recognizer.model import Recognizer as R
R.load("runs/recognizer").save("runs/recognizer-int8", "int8")' ;;
evaluate)  # ${@:2} adds recognisers, such as whisper or hubert-large
  valle evaluate recognizer --model runs/recognizer-int8 pocketsphinx closed "${@:2}" \
    --data "$CORPUS/LibriSpeech" "$CORPUS/CommonVoice/en" "$CORPUS/speechocean762" \
    --held-out "$HELD" --clips 40 --out runs/eval-recognizer ;;
align)     # beside the aligner, on the teachers' exact timings
  python recipes/recognizer/align.py runs/recognizer weights/starter data/teachers-heldout ;;
phones)    # its lower half, which ranks candidates (valle/synthesis/rerank.py)
  python -c 'from valle.recognizer.model import Recognizer as R
from valle.recognizer.phones import PhoneListener as P
P.of(R.load("runs/recognizer")).save("weights/judges/phones")' ;;
*) sed -n 2,6p "$0"; exit 2 ;;
esac
