import * as fs from 'node:fs';
import type { IConstruct, Node } from 'constructs';
import { messageOf, StackError, type ErrorPlace } from '../../core';
import {
  cycleError,
  findCycles,
  graphOf,
  platformIn,
  writeAssembly,
  type ImagePlan,
  type Plan,
  type TreeNode,
} from '../../plan';
import type { IImage } from '../reference';
import { declarationOf, type Declaration } from './declaration';
import { checkNames, type NamedImage } from './image-names';
import { withIdLanes } from './id-lanes';
import { addOrdering } from './ordering';
import { checkPlatforms } from './platforms';
import { Problems, type Reporter } from './problems';
import { renderApp } from './render-app';
import { renderImage } from './render-image';
import type { Rendering } from './rendering';
import { userLine, type CapturedStack } from './source-line';

/** The app to synthesize. */
export interface SynthInput {
  readonly root: IConstruct;
  /** As the user gave them, unchecked. */
  readonly props: unknown;
  /** Where the app was created. */
  readonly stack: CapturedStack;
  /** The app's directory. */
  readonly directory: string;
  readonly outdir: string;
}

/** An image of the tree, and the line that created it. */
interface FoundImage {
  readonly construct: IImage;
  readonly declaration: Declaration;
  readonly source: string | undefined;
}

/**
 * Turns a construct tree into an output directory.
 * @throws all that is wrong with the app, as one StackError: STACK2002 to STACK2010 and STACK2013.
 *   STACK1007 or STACK7002 when the output cannot be written.
 */
export function synthesize({ root, props, stack, directory, outdir }: SynthInput): Plan {
  const realDirectory = locate(directory);
  const images = findImages(root, realDirectory);
  const problems = new Problems();
  const settings = renderApp(problems.at({ source: userLine(stack, realDirectory) }), root, props);
  const placeOf = (path: string): ErrorPlace => ({
    constructPath: path || undefined,
    source: images.get(path)?.source,
  });
  const app = {
    root,
    directory: realDirectory,
    isOurs: (image: IConstruct) => images.get(image.node.path)?.construct === image,
  };
  const plans = renderImages(app, images, (path) => problems.at(placeOf(path)));
  addOrdering(app, plans, problems, placeOf);
  if (images.size === 0) problems.add(noImages());
  const recipes = Object.fromEntries(plans);
  checkNames(publishedImages(images, recipes, settings.formats), problems);
  checkPlatforms(recipes, problems, placeOf);
  for (const cycle of findCycles(graphOf(recipes))) {
    problems.add(cycleError(cycle, plans.get(cycle[0] ?? '')?.source));
  }
  for (const path of Object.keys(recipes)) refuseForeignScript(recipes, path, problems.at(placeOf(path)));
  for (const { node } of root.node.findAll()) runValidations(node, problems.at(placeOf(node.path)));
  problems.throwAny();
  const plan = { ...settings, images: withIdLanes(recipes) };
  return writeAssembly(outdir, { directory: realDirectory, plan, tree: treeOf(root, images) });
}

/** Frames of stack traces have no symbolic links in them, so the directory must not either. */
function locate(directory: string): string {
  try {
    return fs.realpathSync(directory);
  } catch (error) {
    throw new StackError('STACK2006', `the app's directory '${directory}' cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function noImages(): StackError {
  return new StackError('STACK2002', 'the app has no images', {
    hint: "create one, such as new Layer(app, 'files', { imports: [{ source: 'files', dest: '/' }] })",
  });
}

/** By construct path. */
function findImages(root: IConstruct, directory: string): Map<string, FoundImage> {
  const images = new Map<string, FoundImage>();
  for (const construct of root.node.findAll()) {
    const declared = declarationOf(construct);
    if (declared === undefined) continue;
    const source = userLine(declared.stack, directory);
    images.set(construct.node.path, { construct: construct as IImage, declaration: declared.declaration, source });
  }
  return images;
}

function renderImages(
  app: Omit<Rendering, 'report'>,
  images: ReadonlyMap<string, FoundImage>,
  reporterOf: (constructPath: string) => Reporter,
): Map<string, ImagePlan> {
  const plans = new Map<string, ImagePlan>();
  for (const [key, { construct, declaration, source }] of images) {
    const plan = renderImage({ ...app, report: reporterOf(key) }, construct, declaration);
    if (plan !== undefined) plans.set(key, { ...plan, source });
  }
  return plans;
}

function publishedImages(
  images: ReadonlyMap<string, FoundImage>,
  plans: Plan['images'],
  formats: Plan['formats'],
): NamedImage[] {
  return Object.entries(plans)
    .filter(([, plan]) => !plan.buildOnly)
    .map(([constructPath, plan]) => ({
      name: plan.name,
      constructPath,
      source: plan.source,
      formats: plan.formats ?? formats,
      platform: platformIn(plans, constructPath),
      isDefault: images.get(constructPath)?.declaration.props.imageName === undefined,
    }));
}

/** Scripts run on Linux, whichever system an image is for. */
function refuseForeignScript(images: Plan['images'], path: string, report: Reporter): void {
  const image = images[path];
  const hasScript = image?.type === 'layer' && (image.run !== undefined || image.generateLabels !== undefined);
  const platform = platformIn(images, path);
  if (!hasScript || platform === undefined || platform.startsWith('linux/')) return;
  report(
    'STACK2006',
    `it has a script, but is for ${platform}, and scripts run on Linux only`,
    'make its files in a layer for Linux, and import them from there',
  );
}

/** Runs what was given to `node.addValidation()`. */
function runValidations(node: Node, report: Reporter): void {
  try {
    for (const message of node.validate()) report('STACK2013', message);
  } catch (error) {
    report('STACK2013', `a validation threw: ${messageOf(error)}`, 'return the messages instead');
  }
}

function treeOf(construct: IConstruct, images: ReadonlyMap<string, FoundImage>): TreeNode {
  const { id, path, children } = construct.node;
  return {
    id,
    path,
    construct: construct.constructor.name,
    source: images.get(path)?.source,
    ...(children.length === 0 ? {} : { children: children.map((child) => treeOf(child, images)) }),
  };
}
