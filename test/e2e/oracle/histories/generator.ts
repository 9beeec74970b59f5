import type { AppModel, ImageModel, ImportModel, LayerModel } from './app';
import type { Random } from './random';

/** Where layers put what they may all have. */
const SHARED = '/shared';

/** Makes random apps, and changes them. */
export class Generator {
  private ids = 0;

  /** @param withScripts whether layers may run scripts, which is slow */
  public constructor(
    private readonly random: Random,
    private readonly withScripts: boolean,
  ) {}

  public app(): AppModel {
    const model: AppModel = { images: [], files: {}, formats: this.random.chance(0.3) ? ['tar', 'squashfs'] : ['tar'] };
    for (let directory = 0; directory < 3; directory += 1) {
      for (let file = this.random.below(4); file >= 0; file -= 1) this.writeFile(model, `src${String(directory)}`);
    }
    for (let layers = 2 + this.random.below(3); layers > 0; layers -= 1) this.addLayer(model);
    if (this.random.chance(0.8)) this.addStacked(model);
    return model;
  }

  /** The app after one to three changes. */
  public changed(before: AppModel, { keepFiles = false } = {}): AppModel {
    const model = structuredClone(before);
    const changes = [...this.modelChanges(), ...(keepFiles ? [] : this.fileChanges())];
    for (let left = 1 + this.random.below(3); left > 0; left -= 1) this.random.one(changes)(model);
    return model;
  }

  private fileChanges(): ((model: AppModel) => void)[] {
    const { random } = this;
    return [
      (model) => (model.files[random.one(Object.keys(model.files))] = this.content()),
      (model) => (model.files[random.one(Object.keys(model.files))] = this.content()),
      (model) => {
        this.writeFile(model, `src${String(random.below(3))}`);
      },
      (model) => {
        const names = Object.keys(model.files);
        const name = random.one(names);
        const hasOthers = names.some((each) => each !== name && each.split('/')[0] === name.split('/')[0]);
        if (hasOthers) Reflect.deleteProperty(model.files, name);
      },
    ];
  }

  private modelChanges(): ((model: AppModel) => void)[] {
    const { random } = this;
    const some = (model: AppModel): ImageModel => random.one(model.images);
    return [
      (model) => (some(model).name = `renamed-${String((this.ids += 1))}`),
      (model) => {
        this.addLayer(model);
      },
      (model) => {
        this.addLayer(model);
      },
      (model) => {
        this.addStacked(model);
      },
      (model) => (some(model).label = random.chance(0.3) ? undefined : String(random.below(100))),
      (model) => {
        this.removeUnused(model);
      },
      (model) => {
        const layer = some(model);
        if (layer.kind === 'layer') layer.imports.splice(0, Infinity, ...this.imports(model, layer.id));
      },
      (model) => {
        const layer = some(model);
        if (layer.kind === 'layer' && layer.run !== undefined) layer.run = this.script(layer.id);
      },
      (model) => {
        const layer = some(model);
        if (layer.kind === 'layer') layer.buildOnly = !layer.buildOnly;
      },
      (model) => {
        const stacked = some(model);
        if (stacked.kind === 'stacked') stacked.components.reverse();
      },
      (model) => (model.formats = random.chance(0.5) ? ['tar'] : ['tar', 'squashfs']),
    ];
  }

  private addLayer(model: AppModel): void {
    const { random } = this;
    const id = (this.ids += 1);
    const isSystem = this.withScripts && random.chance(0.5);
    const onImage = model.images.length > 0 && random.chance(0.4);
    const from = onImage ? random.one(model.images).id : isSystem ? 'busybox' : 'scratch';
    const canRun = this.withScripts && this.isSystem(model, from);
    model.images.push({
      kind: 'layer',
      id,
      name: `layer-${String(id)}`,
      from,
      imports: random.chance(0.9) ? this.imports(model, id) : [],
      run: canRun && random.chance(0.6) ? this.script(id) : undefined,
      label: random.chance(0.2) ? String(id) : undefined,
      env: random.chance(0.3) ? { [`V${String(random.below(3))}`]: String(id) } : {},
      buildOnly: random.chance(0.2),
    });
  }

  private isSystem(model: AppModel, from: LayerModel['from']): boolean {
    if (typeof from !== 'number') return from === 'busybox';
    const image = model.images.find(({ id }) => id === from);
    if (image?.kind === 'stacked') return image.components.some((each) => this.isSystem(model, each));
    return image !== undefined && this.isSystem(model, image.from);
  }

  private addStacked(model: AppModel): void {
    const { random } = this;
    const id = (this.ids += 1);
    const components = random.some(model.images, 2 + random.below(2)).map((image) => image.id);
    if (components.length === 0) return;
    model.images.push({ kind: 'stacked', id, name: `stacked-${String(id)}`, components, label: undefined });
  }

  private removeUnused(model: AppModel): void {
    const used = new Set(
      model.images.flatMap((image) => {
        if (image.kind === 'stacked') return image.components;
        const sources = image.imports.flatMap(({ source }) => (typeof source === 'string' ? [] : [source.image]));
        return typeof image.from === 'number' ? [...sources, image.from] : sources;
      }),
    );
    const unused = model.images.filter(({ id }) => !used.has(id));
    if (model.images.length > 2) model.images.splice(model.images.indexOf(this.random.one(unused)), 1);
  }

  /** Each import has a place of its own, or now and then one that others have too. */
  private imports(model: AppModel, id: number): ImportModel[] {
    const { random } = this;
    const earlier = model.images
      .slice(
        0,
        Math.max(
          0,
          model.images.findIndex((image) => image.id === id),
        ),
      )
      .concat(model.images.some((image) => image.id === id) ? [] : model.images);
    return Array.from({ length: 1 + random.below(3) }, (_, at): ImportModel => {
      const dest = random.chance(0.15) ? `${SHARED}/` : `/d${String(id)}/${String(at)}${random.chance(0.5) ? '/' : ''}`;
      const layers = earlier.filter((image): image is LayerModel => image.kind === 'layer' && image.imports.length > 0);
      if (layers.length > 0 && random.chance(0.4)) {
        const image = random.one(layers);
        const path = random.one(image.imports).dest.replace(/\/$/, '');
        return { source: { image: image.id, path: random.chance(0.3) ? `/${path.split('/')[1] ?? ''}` : path }, dest };
      }
      const file = random.one(Object.keys(model.files));
      const directory = file.split('/')[0] ?? '';
      const source = random.one([directory, `${directory}/`, ...(dest.endsWith('/') ? [file] : [])]);
      return { source, dest, ...(random.chance(0.2) ? { mode: 0o600 } : {}) };
    });
  }

  private script(id: number): string {
    const { random } = this;
    const value = String(random.below(1000));
    return random
      .some(
        [
          `mkdir -p /r; echo ${value} > /r/${String(id)}`,
          `echo ${value} >> /etc/conf`,
          `chmod 0${random.one(['600', '640', '755'])} /data/one`,
          'rm -rf /data/two',
          `rm -rf /d*/0; mkdir -p /made/${value}`,
          'cp -a /data /copy; rm -rf /data; mv /copy /data',
          `ln -sf /data/one /r${value}`,
          'true',
        ],
        3,
      )
      .join('\n');
  }

  private writeFile(model: AppModel, directory: string): void {
    const deep = this.random.chance(0.3) ? 'sub/' : '';
    model.files[`${directory}/${deep}f${String(this.random.below(6))}`] = this.content();
  }

  private content(): string {
    const { random } = this;
    const size = random.one([0, 1, 10, 100, 5000, 100_000]);
    return String(random.below(1_000_000))
      .padEnd(7)
      .repeat(Math.ceil(size / 7))
      .slice(0, size);
  }
}
