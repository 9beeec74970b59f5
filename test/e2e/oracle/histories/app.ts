import type * as library from '../../../../lib';

/** An app as plain data, so that it can be changed, kept and handed to another process. */
export interface AppModel {
  /** Each refers only to those before it. */
  readonly images: ImageModel[];
  /** The user's files, contents by path below the app's directory. */
  readonly files: Record<string, string>;
  formats: ('tar' | 'squashfs')[];
}

export type ImageModel = LayerModel | StackedModel;

export interface LayerModel {
  readonly kind: 'layer';
  /** What others refer to it by, whatever its construct is called. */
  readonly id: number;
  name: string;
  from: number | 'scratch' | 'busybox';
  readonly imports: ImportModel[];
  run: string | undefined;
  label: string | undefined;
  env: Record<string, string>;
  buildOnly: boolean;
}

export interface StackedModel {
  readonly kind: 'stacked';
  readonly id: number;
  name: string;
  readonly components: number[];
  label: string | undefined;
}

export interface ImportModel {
  /** A path of the user's, or one in another image. */
  readonly source: string | { readonly image: number; readonly path: string };
  readonly dest: string;
  readonly mode?: number;
}

/**
 * Makes the constructs of a model. It refers to nothing around it, since its text also becomes the app that another process runs.
 * @param options of the app
 */
export function makeApp(cdk: typeof library, model: AppModel, options: library.AppProps): library.App {
  const app = new cdk.App({ ...options, formats: model.formats });
  const made = new Map<number, library.Layer | library.StackedImage>();
  const get = (id: number): library.Layer | library.StackedImage => {
    const image = made.get(id);
    if (image === undefined) throw new Error(`image ${String(id)} is not there`);
    return image;
  };
  for (const image of model.images) {
    const config = image.label === undefined ? {} : { config: { labels: { label: image.label } } };
    if (image.kind === 'stacked') {
      made.set(image.id, new cdk.StackedImage(app, image.name, image.components.map(get), config));
      continue;
    }
    const { from, imports, run, env, buildOnly } = image;
    const base = from === 'busybox' ? 'tar:base.tar' : from === 'scratch' ? undefined : get(from);
    const props: library.LayerProps = {
      ...(base === undefined ? {} : { from: base }),
      imports: imports.map(({ source, dest, mode }) => ({
        source: typeof source === 'string' ? source : get(source.image).file(source.path),
        dest,
        ...(mode === undefined ? {} : { mode }),
      })),
      ...(run === undefined ? {} : { run }),
      config: { ...config.config, env },
      buildOnly,
    };
    made.set(image.id, new cdk.Layer(app, image.name, props));
  }
  return app;
}
