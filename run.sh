#!/usr/bin/env bash
# Installs what is missing, builds, starts Acopio, sends the samples as four data centres, shows their scorecards and three questions.
# Stays up until Ctrl-C.
#   ./run.sh                            everything, over ./var; a second start finds it all again and sends nothing twice
#   ./run.sh --once                     the same, and stops when all is shown
#   ./run.sh --data DIR                 other data
#   ./run.sh --intake HOST:PORT --query HOST:PORT
#   ACOPIO_BINARY=PATH ./run.sh         runs that program; installs and builds nothing
set -euo pipefail
cd "$(dirname "$0")"

once=false
data=var
serve_options=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --once) once=true; shift ;;
    --data) data=${2:?run.sh: --data needs a directory}; shift 2 ;;
    --intake | --query) serve_options+=("$1" "${2:?run.sh: $1 needs HOST:PORT}"); shift 2 ;;
    --help | -h) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "run.sh: unknown option $1. See ./run.sh --help." >&2; exit 2 ;;
  esac
done

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi

step_begin=0
step() { step_begin=$(date +%s%N); printf '%s==> %s%s\n' "$bold" "$1" "$plain"; }
step_end() { awk -v ns="$(($(date +%s%N) - step_begin))" 'BEGIN { printf "    %.1f s\n\n", ns / 1e9 }'; }
fail() { echo "run.sh: $1" >&2; exit 1; }
member() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

build_log=$(mktemp)
server=
stop() {
  trap '' INT TERM
  rm -f "$build_log"
  if [[ -n $server ]] && kill -TERM "$server" 2>/dev/null; then
    echo "Stopping."
    wait "$server" || true
  fi
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

acopio=${ACOPIO_BINARY:-}
if [[ -z $acopio ]]; then
  step "Installing what is missing"
  tools/install.sh
  step_end

  step "Building (a first build takes some minutes)"
  cmake --preset release >"$build_log" 2>&1 || { tail -n 40 "$build_log" >&2; fail "the build could not be configured."; }
  if [[ -t 1 ]]; then
    NINJA_STATUS='    %p %f/%t ' ninja -C build/release acopio || fail "the build failed; see above."
  else
    ninja -C build/release acopio >"$build_log" 2>&1 || { tail -n 40 "$build_log" >&2; fail "the build failed."; }
  fi
  acopio=build/release/bin/acopio
  step_end
fi
[[ -x $acopio ]] || fail "$acopio is no program."

step "Starting the three services over $data"
(umask 077 && mkdir -p "$data")
server_log=$data/server.log
# Tokens and addresses of the caller's own servers have nothing to do with this one.
unset ACOPIO_DATA ACOPIO_INTAKE ACOPIO_QUERY ACOPIO_OPERATOR_TOKEN ACOPIO_KEY ACOPIO_TOKEN
"$acopio" serve --data "$data" "${serve_options[@]}" >"$server_log" 2>&1 &
server=$!
ready() {
  grep -qs '^Ctrl-C stops it' "$server_log" && [[ -s $data/addresses.json ]] || return 1
  intake=$(member intake <"$data/addresses.json")
  query=$(member query <"$data/addresses.json")
  curl -fsS -o /dev/null "$intake/ready" 2>/dev/null && curl -fsS -o /dev/null "$query/ready" 2>/dev/null
}
deadline=$((SECONDS + 60))
until ready; do
  if ! kill -0 "$server" 2>/dev/null; then server= ; tail -n 20 "$server_log" >&2; fail "the server did not start; see above."; fi
  if [[ $SECONDS -ge $deadline ]]; then tail -n 20 "$server_log" >&2; fail "the server is not ready after 60 s; its log is $server_log."; fi
  sleep 0.1
done
echo "    intake $intake, queries $query, log in $server_log"
step_end

keys=$data/keys
sent=$data/samples-sent  # a file for each centre whose samples were sent to their end: what became of them
(umask 077 && mkdir -p "$keys" "$sent")
centres=(nih-clinical-center synthea-boston pydicom-teaching linuxforhealth-hl7)
declare -A names=(
  [nih-clinical-center]="NIH Clinical Center"
  [synthea-boston]="Synthea, Boston"
  [pydicom-teaching]="pydicom teaching files"
  [linuxforhealth-hl7]="LinuxForHealth HL7"
)

step "Registering the sample data centres"
for centre in "${centres[@]}"; do
  if ! "$acopio" center show "$centre" --data "$data" >/dev/null 2>&1; then
    "$acopio" center add "$centre" --name "${names[$centre]}" --data "$data" >/dev/null
    rm -f "$keys/$centre.key" "$sent/$centre"
  fi
  if [[ -e samples/$centre.mapping.json ]]; then
    "$acopio" center mapping "$centre" "samples/$centre.mapping.json" --data "$data" >/dev/null
  fi
  # An empty file was left by a run that was stopped; one with a key is never overwritten.
  [[ -s $keys/$centre.key ]] || rm -f "$keys/$centre.key"
  if [[ ! -e $keys/$centre.key ]]; then "$acopio" center key "$centre" --out "$keys/$centre.key" --data "$data" | sed 's/^/    /'; fi
done
reader=$keys/researcher.token
[[ -s $reader ]] || rm -f "$reader"
[[ -e $reader ]] || "$acopio" token add --role researcher --name "run.sh" --out "$reader" --data "$data" | sed 's/^/    /'
step_end

step "Sending the samples"
for centre in "${centres[@]}"; do
  files=()
  for file in samples/"$centre".{csv,ndjson}; do [[ ! -e $file ]] || files+=("$file"); done
  [[ ${#files[@]} -gt 0 ]] || fail "samples/$centre.csv or .ndjson is missing. Is the checkout complete?"
  # Record ids come twice in some samples, so sending them again would amend these records once more.
  if [[ -s $sent/$centre ]]; then
    echo "    ${files[*]}: is there already"
    continue
  fi
  "$acopio" send "${files[@]}" --center "$centre" --key-file "$keys/$centre.key" --data "$data" --json >"$sent/$centre.new" && code=0 || code=$?
  [[ $code -le 1 ]] || fail "sending ${files[*]} failed."
  mv "$sent/$centre.new" "$sent/$centre"
  python3 - "$sent/$centre" <<'PYTHON'
import json
import sys
with open(sys.argv[1], encoding="utf-8") as answer:
    files = json.load(answer)["files"]
for f in files:
    print(f"    {f['file']}: {f['accepted']:,} accepted, {f['duplicate']:,} duplicate, {f['quarantined']:,} quarantined, "
          f"{f['refused']:,} refused, {f['milliseconds'] / 1000:.2f} s")
    for group in f["refusals"]:
        print(f"        {group['code']} x {group['count']:,}: {group['detail']} {group['mend']}")
PYTHON
done
step_end

step "Waiting until all of it can be asked for"
# How many records can be asked for; with it, how many messages wait anywhere between intake and query.
count() {
  "$acopio" query --count --limit 1 --json --data "$data" --token-file "$reader" | member count
  curl -fsS "$intake/metrics" "$query/metrics" | awk '/^acopio_[a-z_]*lag_messages/ { waiting += $NF } END { print waiting + 0, "waiting" }'
}
# Done when nothing waits and the count stands still.
deadline=$((SECONDS + 120)) still=0 last=
until [[ $still -ge 3 ]]; do
  now=$(count)
  if [[ $now == "$last" && $now == *$'\n0 waiting' ]]; then still=$((still + 1)); else still=0; fi
  last=$now
  if [[ $SECONDS -ge $deadline ]]; then fail "the read side has not all of it after 120 s; see $server_log."; fi
  sleep 0.1
done
python3 -c 'import sys; print(f"    {int(sys.argv[1]):,} records")' "${last%%$'\n'*}"
step_end

step "Scorecards"
"$acopio" center list --data "$data"
for centre in "${centres[@]}"; do
  echo
  "$acopio" scorecard "$centre" --checks 3 --data "$data"
done
step_end

ask() {
  echo "${bold}\$ $acopio query $* --data $data --token-file $reader${plain}"
  "$acopio" query "$@" --data "$data" --token-file "$reader"
  echo
}
step "Three questions"
ask modality=CT --limit 5 --count
ask sex=F age_min=80 --sort=-age --limit 5 --count
echo "${bold}\$ curl -s -H \"Authorization: Bearer \$(cat $reader)\" '$query/data?data_center_id=synthea-boston&sort=-score&limit=1' | python3 -m json.tool${plain}"
# The token goes through a file descriptor: arguments can be seen by everybody on the machine.
curl -fsS -H @<(printf 'Authorization: Bearer %s' "$(<"$reader")") "$query/data?data_center_id=synthea-boston&sort=-score&limit=1" | python3 -m json.tool --no-ensure-ascii
step_end

next() { printf '  %-*s  %s\n' $((${#acopio} + ${#data} + 27)) "$1" "$2"; }
cat <<TEXT
${bold}Acopio is up.${plain}
  intake   $intake    (POST /raw-data)
  queries  $query    (GET /data)
  data     $data, centres' keys in $keys, the operator's token in $data/operator.token
Next:
TEXT
next "$acopio check YOUR-FILE.csv" "what would be said of your data; nothing is sent"
next "$acopio center add st-mary --data $data" "a data centre of your own"
next "docs/API.md" "the HTTP interface"
if $once; then exit 0; fi
echo "Ctrl-C stops it."
wait "$server"
