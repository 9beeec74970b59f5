/**
 * The functions of the script that sets a sandbox up, for any POSIX shell. It runs as root of the namespace and as process 1 of
 * the sandbox, and sees the host. Variables they need: $where, the sandbox's tmpfs, and the same as a field of fstab in
 * $where_field; $points, a layer for mount points; $base, what is looked at as the image.
 */
export const SETUP_FUNCTIONS = `
fail() {
  printf '%s\\n' "$1" >&2
  exit 1
}

# put FILE MODE BASE64: writes a file.
put() {
  printf %s "$3" | base64 -d > "$1"
  chmod "$2" "$1"
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
        if [ -L "$base$inside/$name" ]; then
          links=$((links + 1))
          [ "$links" -le 40 ] || fail "'$1' of the image has too many symbolic links"
          link=$(readlink -n "$base$inside/$name" && echo /)
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
    [ -d "\${1%/*}" ] || mkdir -p "\${1%/*}"
    : > "$1"
  fi
}

# at TARGET directory|file SOURCE TYPE OPTIONS: writes a line of fstab, and sees to it that there is a mount point, which
# must not become part of the layer.
at() {
  resolve "$1"
  case $inside in
    /proc/* | /sys/*) ;;
    /run/* | /stack/*) [ -e "$where$inside" ] || make "$where$inside" "$2" ;;
    *) [ -e "$base$inside" ] || [ -e "$points$inside" ] || make "$points$inside" "$2" ;;
  esac
  field=$inside
  case $field in *[\\ \\\\#]*) field=$(printf %s "$field" | sed 's/\\\\/\\\\134/g; s/ /\\\\040/g; s/#/\\\\043/g') ;; esac
  field=$where_field/root$field
  printf '%s %s %s %s 0 0\\n' "\${3:-$field}" "$field" "$4" "$5"
}

# within BELOW SOURCE OPTIONS: a line for a bind mount inside of what the last line mounts.
within() {
  printf '%s %s%s none %s 0 0\\n' "$2" "$field" "$1" "$3"
}

# adopt FROM TO LIST: gives directories of TO the owners, modes, times and attributes that they have in FROM. LIST is a file
# with their names, each followed by a NUL.
adopt() {
  tar --create --file="$where/adopted" --directory="$1" --no-recursion --numeric-owner --xattrs \\
    --xattrs-include='*' --null --files-from="$3"
  tar --extract --file="$where/adopted" --directory="$2" --preserve-permissions --same-owner --numeric-owner \\
    --xattrs --xattrs-include='*' --delay-directory-restore --warning=no-timestamp
}
`;
