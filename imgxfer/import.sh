#!/bin/sh
# Runs on the management node, by way of /bin/sh -c, behind xCAT's profile.
# $1: the text of import.pl and importtar.pl; the rest: its arguments.
program=$1
shift
exec perl -e "$program" -- "$@"
