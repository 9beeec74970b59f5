/**
 * The functions of the script that sets a sandbox up, for any POSIX shell. It runs as root of the namespace and as process 1 of
 * the sandbox, and sees the host. Variables they need: $work, the directory of the run, and the same as a field of fstab in
 * $work_field.
 */
export const SETUP_FUNCTIONS = `
root=$work/root missing=

fail() {
  printf '%s\\n' "$1" >&2
  exit 1
}

# resolve PATH: sets $inside to where a path of the image really is. Its symbolic links cannot lead out of it.
resolve() {
  inside= rest=$1 links=0
  while [ -n "$rest" ]; do
    name=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    case $name in
      '' | .) ;;
      ..) inside=\${inside%/*} ;;
      *)
        if [ -L "$root$inside/$name" ]; then
          links=$((links + 1))
          [ "$links" -le 40 ] || fail "'$1' of the image has too many symbolic links"
          link=$(readlink -n "$root$inside/$name" && echo /)
          case $link in /*) inside= ;; esac
          rest=$link$rest
        else
          inside=$inside/$name
        fi
        ;;
    esac
  done
  case $inside in *[[:cntrl:]]*) fail "'$1' of the image is a path with control characters" ;; esac
}

# make PATH directory|file
make() {
  if [ "$2" = directory ]; then
    mkdir -p "$1"
  else
    mkdir -p "\${1%/*}"
    : > "$1"
  fi
}

# at TARGET directory|file SOURCE TYPE OPTIONS: writes a line of fstab. A mount point that is missing, because the base has a
# link or a removed file there, is made in a layer on top of the base: in the upper one it would be part of the result.
at() {
  resolve "$1"
  case $inside in
    /proc/* | /sys/*) ;;
    /run/* | /stack/*) [ -e "$work$inside" ] || make "$work$inside" "$2" ;;
    *) [ -e "$root$inside" ] || { missing=1 && make "$work/points$inside" "$2"; } ;;
  esac
  field=$inside
  case $field in *[\\ \\\\#]*) field=$(printf %s "$field" | sed 's/\\\\/\\\\134/g; s/ /\\\\040/g; s/#/\\\\043/g') ;; esac
  field=$work_field/root$field
  printf '%s %s %s %s 0 0\\n' "\${3:-$field}" "$field" "$4" "$5"
}

# within BELOW SOURCE OPTIONS: a line for a bind mount inside of what the last line mounts.
within() {
  printf '%s %s%s none %s 0 0\\n' "$2" "$field" "$1" "$3"
}

# stack OPTIONS: mounts the layers.
stack() {
  mount --types overlay --options "$1" overlay "$root"
}

# restack OPTIONS: mounts the layers with other options. Directories in the layer of mount points that the base has as well, whose
# owners, modes, times and attributes would now show, get those of the base.
restack() {
  (cd "$work/points" && find . -mindepth 1 -type d -exec test -d "$root/{}" ';' -print0) > "$work/memory/shared"
  tar --create --file="$work/memory/shared.tar" --directory="$root" --no-recursion --numeric-owner --xattrs \\
    --xattrs-include='*' --null --files-from="$work/memory/shared"
  tar --extract --file="$work/memory/shared.tar" --directory="$work/points" --preserve-permissions --same-owner \\
    --numeric-owner --xattrs --xattrs-include='*' --delay-directory-restore --warning=no-timestamp
  umount "$root"
  rm -rf "$work/overlay/work" # left by a volatile overlay, and no other may use it then
  stack "$1"
}
`;
