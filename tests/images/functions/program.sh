#!/bin/sh
# What the suite of environments asks of a function, by the first argument.
case $1 in
  echo | large) cat ;;
  noisy)
    params=$(cat)
    word=$(printf %s "$params" | sed 's/.*"word":"\([a-z]*\)".*/\1/')
    case $params in *'"count":1'*) count=1 ;; *) count=20 ;; esac
    for _ in $(seq "$count"); do echo "$word" >&2; done
    echo "$word"
    ;;
  fail)
    echo "before the failure" >&2
    exit 3
    ;;
  count)
    count=$(($(cat /tmp/count 2>/dev/null || echo 0) + 1))
    echo "$count" | tee /tmp/count
    ;;
  sleepy) sleep 600 ;;
  spin) while :; do :; done ;;
  stray) echo "to descriptor 1" >&2 ;;
  meet)
    touch "/tmp/meet.$$"
    until [ "$(ls /tmp/meet.* | wc -l)" -ge 4 ]; do sleep 0.02; done
    echo met
    ;;
  request)
    printf '%s %s %s %s' "$REQUEST_METHOD" "$REQUEST_URI" "$QUERY_STRING" "$PATH_INFO $HTTP_X_NAME $HTTP_OWN"
    printf ' proxy=%s type=%s length=%s\n' "$HTTP_PROXY" "$CONTENT_TYPE" "$CONTENT_LENGTH"
    cat
    ;;
  print) printf "$2" ;;
  flood) head -c 40000000 /dev/zero ;;
  killed) kill -9 $$ ;;
  leave)
    setsid sleep 1001 &
    sleep 1002 &
    [ "$2" != wait ] || wait
    echo left
    ;;
  *) exit 64 ;;
esac
