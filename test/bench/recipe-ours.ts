import type { Builder } from './recipe';
import { SCRIPTS } from './recipe-scripts';
import type { Workplace } from './workplace';

/** The recipe as an app, with the tars of the template. */
export function ours(workplace: Workplace, inputs: string): Builder {
  const scripts = Object.entries(SCRIPTS).map(([id, script]) => [
    id,
    [
      ...script('/stack/imports/debs'),
      'mkdir /export',
      `tar --sort=name --mtime=@$SOURCE_DATE_EPOCH --clamp-mtime -C /stage -cf /export/${id}.tar ${id}/`,
      'rm -r /stage',
    ],
  ]);
  workplace.project(`const { App, ImageSource, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar'] });
const inputs = ${JSON.stringify(inputs)};
const base = new Layer(app, 'base', { from: ImageSource.tar(inputs + '/base.tar'), buildOnly: true });
const layers = ${JSON.stringify(scripts)}.map(([id, run]) => {
  const imports = [{ source: inputs + '/debs/' + id, dest: '/stack/imports/debs' }];
  const build = new Layer(app, id + '-build', { from: base, imports, run, network: 'none', buildOnly: true });
  return new Layer(app, id, { from: ImageSource.tar(build.file('/export/' + id + '.tar')) });
});
new StackedImage(app, 'combined', layers);
new Layer(app, 'service', { imports: [{ source: inputs + '/source', dest: '/opt/service' }] });
`);
  const layout = workplace.path('project/oci');
  return {
    name: 'stack deploy, zstd 3',
    layout,
    forget: () => {
      workplace.clear('store', 'project/oci', 'project/synth.out');
    },
    run: () => workplace.stack('deploy --quiet'),
  };
}
