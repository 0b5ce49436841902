#!/usr/bin/env bash
# A real Apache Pulsar broker (standalone) for tests and local runs, from the server distribution that the project publishes as a Maven artifact.
# Everything listens on 127.0.0.1 and stays in the cache folder and in --data. Needs Java 17, Maven, python3, openssl, curl: tools/install.sh.
#
#   pulsar.sh fetch                        downloads the distribution, once
#   pulsar.sh start --data DIR [options]   starts a broker that outlives the caller's terminal, waits until it is healthy, writes DIR/pulsar.json
#   pulsar.sh restart --data DIR           stops it if it runs, and starts it with the ports and settings it had (after kill -9 too)
#   pulsar.sh stop --data DIR              SIGTERM, and SIGKILL after 20 s
#   pulsar.sh token-key FILE               a new secret key for HS256
#   pulsar.sh token --token-key FILE --subject NAME [--seconds N]    a JSON web token of that key, for ever or for N seconds (may be negative)
#   pulsar.sh make-tls DIR                 a test authority and certificates: good, wrong-name, expired, unknown-ca, and client
#
# Options of start:
#   --port P --web-port P --bookie-port P --tls-port P    6650, 8080, 3181, 6651; 0 chooses a free one
#   --auto-ports                           all of them free ones
#   --no-sync                              a receipt does not mean "on disk" (default: it does)
#   --no-index                             no broker entry metadata: neither index nor broker timestamp
#   --token-key FILE                       authentication by token, authorization on, superuser "admin" (its token: DIR/admin.token)
#   --tls-dir DIR [--tls-cert NAME]        also serves TLS, with the certificate NAME (good) of `make-tls DIR`
#   --advertised-port P                    one more port, "proxied_service": who asks there is sent to 127.0.0.1:P by every lookup. For a proxy on P.
#   --set KEY=VALUE                        any setting of the broker, last word (repeatable)
set -euo pipefail

version=${ACOPIO_PULSAR_VERSION:-4.0.8}
cache=${ACOPIO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/acopio}/pulsar
home=$cache/apache-pulsar-$version
ready_seconds=${ACOPIO_PULSAR_READY_SECONDS:-90}

fail() { echo "pulsar.sh: $*" >&2; exit 1; }
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

fetch() {
  [[ -e $home/bin/pulsar ]] && return
  mkdir -p "$cache"
  exec 9> "$cache/lock"
  flock 9
  if [[ ! -e $home/bin/pulsar ]]; then
    local new attempt fetched=
    new=$(mktemp -d "$cache/new.XXXXXX")
    for attempt in 1 2 3; do
      if mvn -B -q -C -Dmaven.repo.local="$new/repository" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        -Dartifact="org.apache.pulsar:pulsar-server-distribution:$version:tar.gz:bin" -DoutputDirectory="$new" >&2; then fetched=yes; break; fi
      echo "pulsar.sh: Maven failed (attempt $attempt of 3)" >&2
    done
    [[ $fetched ]] || { rm -rf "$new"; fail "Pulsar $version could not be fetched"; }
    tar xzf "$new/pulsar-server-distribution-$version-bin.tar.gz" -C "$new"
    mv "$new/apache-pulsar-$version" "$home"
    rm -rf "$new"
  fi
  exec 9>&-
}

# Below the range from which the kernel gives ports to outgoing connections: nothing takes it between here and the broker's bind.
free_port() {
  python3 - "$@" <<'PY'
import random, socket, sys
while True:
    port = random.randrange(12000, 32000)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    if str(port) not in sys.argv[1:]:
        print(port)
        break
PY
}

make_token() { # key file, subject, seconds or nothing
  python3 - "$@" <<'PY'
import base64, hashlib, hmac, json, pathlib, sys, time
def packed(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
claims = {"sub": sys.argv[2]}
if sys.argv[3]:
    claims["exp"] = int(time.time()) + int(sys.argv[3])
text = packed(b'{"alg":"HS256"}') + b"." + packed(json.dumps(claims).encode())
print((text + b"." + packed(hmac.new(pathlib.Path(sys.argv[1]).read_bytes(), text, hashlib.sha256).digest())).decode())
PY
}

make_tls() { # folder
  local folder=$1
  mkdir -p "$folder"
  authority() { # name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Acopio test authority $1" \
      -keyout "$folder/$1.key" -out "$folder/$1.pem" 2> /dev/null
  }
  certificate() { # name, subject's alternative names, authority, days
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$folder/$1.key" -out "$folder/$1.csr" 2> /dev/null
    openssl x509 -req -in "$folder/$1.csr" -CA "$folder/$3.pem" -CAkey "$folder/$3.key" -CAcreateserial -days "$4" -out "$folder/$1.pem" \
      -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$2") 2> /dev/null
    rm "$folder/$1.csr"
  }
  authority ca
  authority other-ca
  certificate good "DNS:localhost,IP:127.0.0.1" ca 30
  certificate wrong-name "DNS:broker.invalid" ca 30
  certificate expired "DNS:localhost,IP:127.0.0.1" ca -1
  certificate unknown-ca "DNS:localhost,IP:127.0.0.1" other-ca 30
  certificate client "DNS:client" ca 30
}

configure() {
  # The shipped file ends without a newline: without the blank line our first key would be glued to its last.
  # Without allowEphemeralPorts the bookie ignores its --bookkeeper-port; without listeningInterface it listens on every address.
  cat "$home/conf/standalone.conf"
  cat <<CONF

brokerServicePort=$port
webServicePort=$web_port
bindAddress=127.0.0.1
brokerDeduplicationEnabled=true
brokerDeduplicationProducerInactivityTimeoutMinutes=525600
brokerDeleteInactiveTopicsEnabled=false
allowAutoTopicCreation=false
defaultRetentionTimeInMinutes=-1
defaultRetentionSizeInMB=-1
backlogQuotaDefaultLimitGB=-1
acknowledgmentAtBatchIndexLevelEnabled=true
webSocketServiceEnabled=false
journalSyncData=$sync
allowEphemeralPorts=true
listeningInterface=lo
numIOThreads=2
numHttpServerThreads=8
numExecutorThreadPoolSize=2
managedLedgerCacheSizeMB=64
dbStorage_writeCacheMaxSizeMb=32
dbStorage_readAheadCacheMaxSizeMb=32
dbStorage_rocksDB_blockCacheSize=16777216
brokerShutdownTimeoutMs=3000
CONF
  if [[ $index == true ]]; then
    local intercept=org.apache.pulsar.common.intercept
    echo "brokerEntryMetadataInterceptors=$intercept.AppendIndexMetadataInterceptor,$intercept.AppendBrokerTimestampMetadataInterceptor"
    echo exposingBrokerEntryMetadataToClientEnabled=true
  fi
  if [[ $token_key ]]; then
    cat <<CONF
authenticationEnabled=true
authenticationProviders=org.apache.pulsar.broker.authentication.AuthenticationProviderToken
authenticationRefreshCheckSeconds=1
tokenSecretKey=file://$(realpath "$token_key")
authorizationEnabled=true
superUserRoles=admin
brokerClientAuthenticationPlugin=org.apache.pulsar.client.impl.auth.AuthenticationToken
brokerClientAuthenticationParameters=file://$data/admin.token
CONF
  fi
  if [[ $tls_dir ]]; then
    cat <<CONF
brokerServicePortTls=$tls_port
tlsCertificateFilePath=$tls_dir/$tls_cert.pem
tlsKeyFilePath=$tls_dir/$tls_cert.key
tlsTrustCertsFilePath=$tls_dir/ca.pem
CONF
  fi
  if [[ $advertised_port ]]; then
    echo "internalListenerName=internal"
    echo "advertisedListeners=internal:pulsar://127.0.0.1:$port${tls_dir:+,internal:pulsar+ssl://127.0.0.1:$tls_port},proxied:pulsar://127.0.0.1:$advertised_port"
    echo "bindAddresses=proxied:pulsar://127.0.0.1:$proxied_port"
  else
    echo advertisedAddress=127.0.0.1
  fi
  printf '%s\n' "${settings[@]}"
}

# The broker of --data, if it runs: a number in broker.pid may belong to another process by now.
running_pid() {
  local pid
  pid=$(cat "$data/broker.pid" 2> /dev/null) && { tr '\0' '\n' < "/proc/$pid/cmdline"; } 2> /dev/null | grep -qxF -- "$data/meta" && echo "$pid"
}

healthy() {
  local header=()
  [[ -e $data/admin.token ]] && header=(-H "Authorization: Bearer $(cat "$data/admin.token")")
  [[ $(curl -s -m 2 "${header[@]}" "http://127.0.0.1:$web_port/admin/v2/brokers/health" || true) == ok ]]
}

launch() {
  rm -f "$data/pulsar.json"
  # shellcheck source=/dev/null
  . "$data/ports"
  export PULSAR_MEM=${ACOPIO_PULSAR_MEM:-"-Xms256m -Xmx1g -XX:MaxDirectMemorySize=2g"} PULSAR_GC="-XX:+UseSerialGC" PULSAR_GC_LOG="-Xlog:disable"
  export PULSAR_LOG_DIR=$data/log PULSAR_STANDALONE_CONF=$data/standalone.conf
  (
    cd "$data"
    for descriptor in /proc/self/fd/*; do # a pipe of the caller that the broker kept would never end
      descriptor=${descriptor##*/}
      [[ $descriptor -gt 2 ]] && eval "exec $descriptor>&-"
    done
    exec setsid "$home/bin/pulsar" standalone -nfw -nss --metadata-dir "$data/meta" --bookkeeper-dir "$data/bookkeeper" --bookkeeper-port "$bookie_port"
  ) < /dev/null >> "$data/log/broker.out" 2>&1 &
  local broker=$! end=$((SECONDS + ready_seconds))
  echo "$broker" > "$data/broker.pid" # setsid and bin/pulsar become java: the number stays
  until healthy; do
    kill -0 "$broker" 2> /dev/null || { tail -n 20 "$data/log/broker.out" >&2; fail "the broker ended; all of it is in $data/log/broker.out"; }
    [[ $SECONDS -lt $end ]] || { kill -KILL "$broker"; fail "the broker was not healthy within $ready_seconds s; see $data/log/broker.out"; }
    sleep 0.1
  done
  {
    printf '{"service":"pulsar://127.0.0.1:%s","admin":"http://127.0.0.1:%s"' "$port" "$web_port"
    [[ $tls_port ]] && printf ',"tls_service":"pulsar+ssl://127.0.0.1:%s"' "$tls_port"
    [[ $proxied_port ]] && printf ',"proxied_service":"pulsar://127.0.0.1:%s"' "$proxied_port"
    [[ -e $data/admin.token ]] && printf ',"admin_token":"%s"' "$(cat "$data/admin.token")"
    printf ',"pid":%s}\n' "$broker"
  } > "$data/pulsar.json.new"
  mv "$data/pulsar.json.new" "$data/pulsar.json"
  echo "pulsar is ready on 127.0.0.1:$port (admin $web_port)"
}

start() {
  fetch
  mkdir -p "$data/log"
  data=$(realpath "$data")
  running_pid > /dev/null && fail "a broker runs on $data already"
  [[ $tls_dir ]] && tls_dir=$(realpath "$tls_dir")
  [[ $tls_dir ]] || tls_port=
  proxied_port=
  [[ $advertised_port ]] && proxied_port=0
  local name taken=()
  for name in port web_port bookie_port tls_port proxied_port; do
    [[ ${!name} == 0 ]] && printf -v "$name" %s "$(free_port "${taken[@]}")"
    taken+=("${!name}")
  done
  rm -f "$data/admin.token"
  [[ $token_key ]] && make_token "$token_key" admin "" > "$data/admin.token"
  configure > "$data/standalone.conf"
  printf 'port=%s web_port=%s bookie_port=%s tls_port=%s proxied_port=%s\n' "$port" "$web_port" "$bookie_port" "$tls_port" "$proxied_port" > "$data/ports"
  launch
}

stop() {
  data=$(realpath "$data")
  rm -f "$data/pulsar.json"
  local pid end=$((SECONDS + 20))
  pid=$(running_pid) || return 0
  kill "$pid" 2> /dev/null || return 0
  while running_pid > /dev/null; do
    [[ $SECONDS -lt $end ]] || kill -KILL "$pid" 2> /dev/null || true
    sleep 0.05
  done
}

restart() {
  [[ -e $data/ports ]] || fail "no broker was ever started on $data"
  stop
  launch
}

[[ $# -gt 0 ]] || usage
command=$1
shift
data='' port=6650 web_port=8080 bookie_port=3181 tls_port=6651 sync=true index=true token_key='' tls_dir='' tls_cert=good advertised_port='' subject='' seconds=''
settings=() words=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --auto-ports) port=0 web_port=0 bookie_port=0 tls_port=0; shift; continue ;;
    --no-sync) sync=false; shift; continue ;;
    --no-index) index=false; shift; continue ;;
    --*) [[ $# -gt 1 ]] || usage ;;
    *) words+=("$1"); shift; continue ;;
  esac
  case $1 in
    --data) data=$2 ;;
    --port) port=$2 ;;
    --web-port) web_port=$2 ;;
    --bookie-port) bookie_port=$2 ;;
    --tls-port) tls_port=$2 ;;
    --token-key) token_key=$2 ;;
    --tls-dir) tls_dir=$2 ;;
    --tls-cert) tls_cert=$2 ;;
    --advertised-port) advertised_port=$2 ;;
    --set) settings+=("$2") ;;
    --subject) subject=$2 ;;
    --seconds) seconds=$2 ;;
    *) usage ;;
  esac
  shift 2
done
case $command in
  fetch) fetch ;;
  start | restart | stop) [[ $data ]] || usage; "$command" ;;
  token-key) [[ ${#words[@]} -eq 1 ]] || usage; (umask 077 && openssl rand 32 > "${words[0]}") ;;
  token) [[ $token_key && $subject ]] || usage; make_token "$token_key" "$subject" "$seconds" ;;
  make-tls) [[ ${#words[@]} -eq 1 ]] || usage; make_tls "${words[0]}" ;;
  *) usage ;;
esac
