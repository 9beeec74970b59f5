import * as fs from 'node:fs';
import * as path from 'node:path';
import { measure } from './measure';
import type { Builder } from './recipe';
import { SCRIPTS } from './recipe-scripts';
import type { Workplace } from './workplace';

/**
 * The recipe as a Containerfile. An expert makes the base image once, builds first what has most stages to build in parallel,
 * and pushes only images whose id is a new one.
 */
export function buildah(workplace: Workplace, inputs: string): Builder {
  const directory = workplace.path('buildah');
  const layout = path.join(directory, 'oci');
  const containerfile = path.join(inputs, 'Containerfile');
  fs.writeFileSync(containerfile, CONTAINERFILE);
  const script = workplace.path('buildah.sh');
  fs.writeFileSync(script, SCRIPT);
  return {
    name: 'buildah build --layers, zstd 3',
    layout,
    forget: () => {
      workplace.clear('buildah');
      fs.mkdirSync(path.join(directory, 'tmp'), { recursive: true });
    },
    // In a mount namespace of its own, so that no mount outlives it.
    run: () => measure(`unshare --mount bash -e ${script} ${inputs} ${directory}`),
  };
}

function stage(id: keyof typeof SCRIPTS): string {
  return `FROM localhost/base AS ${id}-build
RUN --mount=type=bind,source=debs/${id},target=/debs ${SCRIPTS[id]('/debs').join(' && ')}
`;
}

const CONTAINERFILE = `FROM scratch AS base
ADD base.tar /
${stage('kernel')}${stage('ovmf')}
FROM scratch AS kernel
COPY --from=kernel-build /stage/ /
FROM kernel AS combined
COPY --from=ovmf-build /stage/ /
FROM scratch AS ovmf
COPY --from=ovmf-build /stage/ /
FROM scratch AS service
COPY source /opt/service
`;

const SCRIPT = `inputs=$1 work=$2
export TMPDIR=$work/tmp
run() { buildah --root "$work/root" --runroot "$work/runroot" --storage-driver overlay "$@"; }
build() {
  run build --quiet --layers --jobs "$(nproc)" --isolation chroot --pull=never --iidfile "$work/$1.id" \\
    --target "$1" --tag "$1" --file "$inputs/Containerfile" "$inputs" > "$work/$1.log" 2>&1 || { cat "$work/$1.log" >&2; exit 1; }
}
[ "$work/base.id" -nt "$inputs/base.tar" ] || build base
for image in combined kernel ovmf service; do
  build "$image"
  if ! cmp -s "$work/$image.id" "$work/$image.pushed"; then
    run push --quiet --compression-format zstd --compression-level 3 "$image" "oci:$work/oci:$image"
    cp "$work/$image.id" "$work/$image.pushed"
  fi
done
`;
