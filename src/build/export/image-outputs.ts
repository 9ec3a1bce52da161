import { LighterError } from "#base";
import type { Image } from "#image";
import { type Digest, formatReference, type Reference } from "#oci";
import { imageUrl } from "../attest/provenance.ts";
import { makeStatement, type Statement, subjectOf } from "../attest/statement.ts";
import { type Composed, composeImage } from "./compose.ts";
import type { OutputContext } from "./context.ts";
import { writeArchive } from "./destination.ts";
import type { ArchiveOutput, ImageForm, ImageOutput } from "./output.ts";
import type { PlatformImage } from "./platform-image.ts";
import { pushTarget } from "./push.ts";

/** What was written down as an image. */
export interface ImageResult {
  readonly composed: Composed;
  readonly names: readonly Reference[];
  /** When it went into the store. */
  readonly image?: Image;
}

/** Puts the image into the store and sends it to registries, as the output says. */
export async function writeImage(output: ImageOutput, context: OutputContext): Promise<ImageResult> {
  const names = output.names ?? context.names;
  if (output.push && names.length === 0)
    throw new LighterError(
      "ARGUMENT_INVALID",
      "cannot push the image: it has no name; give it one with --tag",
    );
  let result: ImageResult | undefined;
  if (output.store) result = await store(output, names, context);
  if (output.push) {
    const composed = await push(output, names, context);
    result ??= { composed, names };
  }
  if (result === undefined) return { composed: await compose(output.form, names, context), names };
  return result;
}

/** Local images keep their layers as they were made: nobody pays for compression that nobody asked for. */
async function store(
  output: ImageOutput,
  names: readonly Reference[],
  context: OutputContext,
): Promise<ImageResult> {
  const form: ImageForm = { ...output.form, layer: { compression: "uncompressed" } };
  const composed = await compose(form, names, context);
  const image = context.images.add(composed.target, { names, origin: { kind: "built" } });
  context.tell(`writing image ${image.id}`);
  for (const name of names) context.tell(`naming to ${formatReference(name)}`);
  return { composed, names, image };
}

async function push(
  output: ImageOutput,
  names: readonly Reference[],
  context: OutputContext,
): Promise<Composed> {
  const composed = await compose(output.form, names, context);
  const client = await context.registries(output.insecure ? names.map(({ registry }) => registry) : []);
  const { content, signal } = context;
  for (const name of names) {
    context.tell(`pushing ${formatReference(name)}@${composed.target.digest}`);
    await pushTarget(composed.target, output.byDigest === true ? untagged(name, composed) : name, {
      content,
      client,
      signal,
      onProgress: context.onProgress,
    });
  }
  return composed;
}

/** The image by its digest alone: somebody makes an index of it and others. */
function untagged({ registry, repository }: Reference, { target }: Composed): Reference {
  return { registry, repository, digest: target.digest };
}

/** Writes the image as an archive, or as the directory that the archive would unpack to. */
export async function writeImageArchive(output: ArchiveOutput, context: OutputContext): Promise<ImageResult> {
  if (output.format === "docker") checkDocker(context);
  const names = output.names ?? context.names;
  const composed = await dated(await compose(output.form, names, context), context);
  const archive = context.images.archive([{ target: composed.target, names }], { format: output.format });
  context.tell(`exporting manifest ${composed.target.digest}`);
  await writeArchive(output.dest, archive, context);
  return { composed, names };
}

/** An archive says of its image when it was made, as docker's do. */
async function dated(composed: Composed, context: OutputContext): Promise<Composed> {
  const created = (await context.platformImages())[0]?.config.created;
  if (created === undefined) return composed;
  const annotations = { "org.opencontainers.image.created": created, ...composed.target.annotations };
  return { ...composed, target: { ...composed.target, annotations } };
}

/** Docker's form has one image under a name, and no place for anything else. */
function checkDocker({ isMultiPlatform, predicates }: OutputContext): void {
  const what = isMultiPlatform ? "several platforms" : predicates === undefined ? undefined : "attestations";
  if (what !== undefined)
    throw new LighterError(
      "ARGUMENT_INVALID",
      `cannot write ${what} in docker's form of an archive; use type=oci, or --load for the store`,
    );
}

async function compose(
  form: ImageForm,
  names: readonly Reference[],
  context: OutputContext,
): Promise<Composed> {
  const { predicates, content, images, extendConfig, isMultiPlatform } = context;
  return await composeImage(
    { content, images },
    {
      images: await context.platformImages(),
      isIndex: isMultiPlatform,
      form: { ...form, annotations: [...context.annotations, ...form.annotations] },
      ...(predicates !== undefined && {
        statements: async (image, manifest) => statementsOf(image, { manifest, names, context }),
      }),
      ...(extendConfig !== undefined && { extendConfig }),
    },
  );
}

/** A statement is about the manifest, under every name that it gets. */
function statementsOf(
  image: PlatformImage,
  about: { readonly manifest: Digest; readonly names: readonly Reference[]; readonly context: OutputContext },
): readonly Statement[] {
  const { manifest, names, context } = about;
  const urls = names.length === 0 ? ["_"] : names.map((name) => imageUrl(name, image.platform));
  const subjects = urls.map((url) => subjectOf(url, manifest));
  return (context.predicates?.(image) ?? []).map((predicate) => makeStatement(predicate, subjects));
}
