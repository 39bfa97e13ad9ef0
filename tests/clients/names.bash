# Odd names, and which clients can express them; boto3_test.py and s3_raw/ have all of them and more.
#
#	tree	a file of that name below a folder, carried by `aws s3 sync`, `s3cmd sync`, `rclone copy`
#	key	a key that no file can have: given to `aws s3api` and, where marked, `s3cmd`, on the command line
#
# rclone names files only, so it has no keys; it takes two names for one that differ only in Unicode form. s3cmd cannot read
# control bytes back from a listing, and gives a key with a trailing slash a folder's meaning. restic chooses all names
# below its repository itself; that one gets a path with a blank, a plus and an umlaut.
#
# clients	kind	name, as printf's %b reads it
names_table() {
	cat <<-'END'
	aws s3cmd rclone	tree	plain
	aws s3cmd rclone	tree	with space
	aws s3cmd rclone	tree	two  spaces
	aws s3cmd rclone	tree	 leading and trailing\0040
	aws s3cmd rclone	tree	plus+sign
	aws s3cmd rclone	tree	+
	aws s3cmd rclone	tree	a+b c%d
	aws s3cmd rclone	tree	per%cent
	aws s3cmd rclone	tree	per%20cent
	aws s3cmd rclone	tree	%2F
	aws s3cmd rclone	tree	%2e%2e
	aws s3cmd rclone	tree	a=b&c=d
	aws s3cmd rclone	tree	semi;colon
	aws s3cmd rclone	tree	col:on
	aws s3cmd rclone	tree	question?mark
	aws s3cmd rclone	tree	hash#mark
	aws s3cmd rclone	tree	quote'single
	aws s3cmd rclone	tree	quote"double
	aws s3cmd rclone	tree	star*
	aws s3cmd rclone	tree	tilde~
	aws s3cmd rclone	tree	back\\slash
	aws s3cmd rclone	tree	pipe|
	aws s3cmd rclone	tree	<angle>
	aws s3cmd rclone	tree	&amp;
	aws s3cmd rclone	tree	{curly}
	aws s3cmd rclone	tree	[square]
	aws s3cmd rclone	tree	caret^
	aws s3cmd rclone	tree	grave`
	aws s3cmd rclone	tree	dollar$
	aws s3cmd rclone	tree	at@
	aws s3cmd rclone	tree	comma,
	aws s3cmd rclone	tree	excl!
	aws s3cmd rclone	tree	(round)
	aws s3cmd rclone	tree	ümläut
	aws s3cmd rclone	tree	日本語/ファイル
	aws s3cmd rclone	tree	emoji-😀
	aws s3cmd	tree	cafe\u0301
	aws s3cmd rclone	tree	caf\u00e9
	aws s3cmd rclone	tree	dot.
	aws s3cmd rclone	tree	.hidden
	aws s3cmd rclone	tree	...
	aws s3cmd rclone	tree	a
	aws s3cmd rclone	tree	a-b
	aws s3cmd rclone	tree	b/x
	aws s3cmd rclone	tree	b/y/z
	aws s3cmd rclone	tree	UPPER
	aws s3cmd rclone	tree	upper
	aws s3cmd rclone	tree	null
	aws rclone	tree	tab\there
	aws	tree	bell\x07
	aws	tree	line\nfeed
	aws s3cmd	key	a//b
	aws s3cmd	key	a/./b
	aws s3cmd	key	a/../b
	aws s3cmd	key	..
	aws s3cmd	key	.
	aws	key	//
	aws	key	slash/
	aws	key	/leading
	aws	key	../up
	END
	local long part
	printf -v part '%0200d' 0
	printf -v long '%s/' "$part" "$part" "$part" "$part"
	# 1,024 bytes, in folders since no file's name has more than 255.
	printf 'aws s3cmd rclone\ttree\t%s%0220d\n' "$long" 0
}

# names_for CLIENT KIND: the names, each ended by a NUL.
names_for() {
	local clients kind name
	while IFS=$'\t' read -r clients kind name; do
		[[ " $clients " = *" $1 "* ]] && [ "$kind" = "$2" ] || continue
		printf '%b\0' "$name"
	done < <(names_table)
}

# names_tree CLIENT DIR: a file of each name below DIR, each with another content.
names_tree() {
	local name n=0
	while IFS= read -r -d '' name; do
		mkdir -p "$2/$(dirname -- "$name")"
		printf '%d %s' $((n++)) "$name" > "$2/$name"
	done < <(names_for "$1" tree)
	[ $n -gt 40 ]
}
