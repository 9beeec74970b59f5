import * as fs from 'node:fs';
import * as path from 'node:path';
import { measure } from './measure';
import type { Builder } from './recipe';
import { SCRIPTS } from './recipe-scripts';
import type { Workplace } from './workplace';

/**
 * The recipe as a shell script around umoci, which runs nothing itself. An expert unpacks the base once, lays an overlay
 * over it for each script, runs these in parallel, and redoes what has inputs that changed, by their size and time.
 * (Not by ctime: umoci changes that of what it reads.)
 */
export function umoci(workplace: Workplace, inputs: string): Builder {
  const directory = workplace.path('umoci');
  const script = workplace.path('umoci.sh');
  fs.writeFileSync(script, SCRIPT);
  return {
    name: 'umoci and chroot, gzip',
    layout: path.join(directory, 'oci'),
    forget: () => {
      workplace.clear('umoci');
      fs.mkdirSync(path.join(directory, 'state'), { recursive: true });
    },
    // In a mount namespace of its own, so that no mount outlives it.
    run: () => measure(`unshare --mount bash -e ${script} ${inputs} ${directory}`),
  };
}

function chroot(id: keyof typeof SCRIPTS): string {
  return `in_root ${id} '${SCRIPTS[id]('/debs').join(' && ')}'`;
}

const SCRIPT = `inputs=$1
cd "$2"
changed() { # NAME INPUT...
  local name=$1
  shift
  find "$@" -printf '%p %i %s %T@\\n' > "state/$name.now"
  ! cmp -s "state/$name.now" "state/$name"
}
done_with() { mv "state/$1.now" "state/$1"; }
in_root() { # NAME COMMANDS
  local root=$1/root
  rm -rf "$1"
  mkdir -p "$1/upper" "$1/work" "$root"
  mount -t overlay -o "lowerdir=base,upperdir=$1/upper,workdir=$1/work" overlay "$root"
  mkdir "$root/debs"
  mount --bind "$inputs/debs/$1" "$root/debs"
  mount --bind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec "$2" > "$1/log" 2>&1 || { cat "$1/log" >&2; return 1; }
}
image() { # NAME SOURCE TARGET
  umoci new --image "oci:$1"
  umoci insert --image "oci:$1" "$2" "$3"
}
[ -e oci ] || umoci init --layout oci
if changed roots "$inputs/base.tar" "$inputs/debs"; then
  rm -rf base
  mkdir base
  tar -C base -xpf "$inputs/base.tar"
  ${chroot('kernel')} & kernel=$!
  ${chroot('ovmf')} & ovmf=$!
  wait $kernel
  wait $ovmf
  image kernel kernel/upper/stage/kernel /kernel
  image ovmf ovmf/upper/stage/ovmf /ovmf
  umoci tag --image oci:kernel combined
  umoci insert --image oci:combined ovmf/upper/stage/ovmf /ovmf
  done_with roots
fi
if changed service "$inputs/source"; then
  image service "$inputs/source" /opt/service
  done_with service
fi
`;
