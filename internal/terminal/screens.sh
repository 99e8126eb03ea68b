#!/usr/bin/env bash
# Records what a terminal shows while "aftershock demo" runs, with tmux, in four widths:
#
#	internal/terminal/screens.sh PROGRAM OUT
#
# OUT/WIDTH-NN.txt are the screens of 24 lines, one a second, and OUT/WIDTH.txt is all that
# stays. It fails if a line was too wide, or no screen showed the lines that move.
set -euo pipefail
program=$(realpath "$1") out=$(realpath "$2")
socket=$(mktemp -u) scratch=$(mktemp -d)
trap 'tmux -S "$socket" kill-server 2>/dev/null || true; rm -rf "$scratch" "$socket"' EXIT
failed=0
for width in 60 80 100 120; do
	rm -rf "$scratch/ended" "$out/$width"*.txt
	tmux -S "$socket" -f /dev/null new-session -d -x "$width" -y 24 \
		"'$program' demo --out '$scratch/runs'; echo \$? >'$scratch/ended'; sleep 60"
	for ((n = 0; n < 120; n++)); do
		[ ! -s "$scratch/ended" ] || break
		tmux -S "$socket" capture-pane -p >"$(printf '%s/%s-%02d.txt' "$out" "$width" "$n")"
		sleep 1
	done
	tmux -S "$socket" capture-pane -p -S - >"$out/$width.txt"
	# What one copies, a path or a hash, is never broken by the program.
	wide=$(tmux -S "$socket" capture-pane -p -J -S - | grep -vE '/|^audit head' | awk -v w="$width" 'length > w' | wc -l)
	moving=$(grep -lE '^  traffic ' "$out/$width"-*.txt | wc -l)
	echo "$width columns: exit $(cat "$scratch/ended" 2>/dev/null || echo none), $n screens, $moving with the lines that move, $wide lines too wide"
	[ "$wide" = 0 ] && [ "$moving" -gt 0 ] && [ -s "$scratch/ended" ] || failed=1
	tmux -S "$socket" kill-server
done
exit $failed
