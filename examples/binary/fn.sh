#!/bin/sh
# Counts the words of what it reads. A function of the runtime `binary`: the request's body comes by
# standard input, what it writes is the answer, and headers are variables (HTTP_ACCEPT_LANGUAGE).
words=$(wc -w)
case ${HTTP_ACCEPT_LANGUAGE:-en} in
  it*) echo "$words parole" ;;
  *) echo "$words words" ;;
esac
