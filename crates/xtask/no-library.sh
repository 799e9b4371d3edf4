#!/bin/sh
# Stands in for the program that makes libraries on Windows: makes an empty one. See src/targets.rs.
for argument; do
    case $argument in
    -out:* | -OUT:* | /out:* | /OUT:*) : >"${argument#*:}" ;;
    esac
done
