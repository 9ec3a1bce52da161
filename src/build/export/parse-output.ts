import { LighterError } from "#base";
import { parsePlatform, parseReference, type Reference } from "#oci";
import { Attributes } from "./attributes.ts";
import {
  type Annotation,
  type BuildOutput,
  type Destination,
  type ImageForm,
  type ImageOutput,
  plainForm,
  storeOutput,
  type TreeForm,
} from "./output.ts";

const types = ["local", "tar", "oci", "docker", "image", "registry", "cacheonly"] as const;

/**
 * Reads one `--output` as docker writes it: `type=oci,dest=image.tar`, or only a directory, or `-` for an archive on the
 * standard output.
 * @throws ARGUMENT_INVALID
 */
export function parseOutput(text: string): BuildOutput {
  if (text === "-") return { kind: "tar", dest: { kind: "stdout" }, tree: { attestationPrefix: "" } };
  if (!text.includes("=")) return parseOutput(`type=local,dest=${text}`);
  const attributes = new Attributes("output", text);
  const type = attributes.takeChoice("type", types);
  if (type === undefined) throw attributes.fault("it has no type");
  const output = readOutput(type, attributes);
  attributes.end();
  return output;
}

function readOutput(type: (typeof types)[number], attributes: Attributes): BuildOutput {
  switch (type) {
    case "local":
      return readLocal(attributes);
    case "tar":
      return { kind: "tar", dest: readDestination(attributes, true), tree: readTree(attributes) };
    case "oci":
      return readArchive("oci", attributes);
    case "docker":
      return readDocker(attributes);
    case "image":
      return readImage(attributes, { store: true, push: false });
    case "registry":
      return readImage(attributes, { store: false, push: true });
    case "cacheonly":
      return { kind: "cacheonly" };
  }
}

function readLocal(attributes: Attributes): BuildOutput {
  const directory = attributes.take("dest");
  if (directory === undefined || directory === "" || directory === "-")
    throw attributes.fault("it has no directory as dest");
  const mode = attributes.takeChoice("mode", ["copy", "delete"]) ?? "copy";
  return { kind: "local", directory, mode, tree: readTree(attributes) };
}

function readTree(attributes: Attributes): TreeForm {
  const platformSplit = attributes.takeBoolean("platform-split");
  return {
    ...(platformSplit !== undefined && { platformSplit }),
    attestationPrefix: attributes.take("attestation-prefix") ?? "",
  };
}

function readArchive(format: "oci" | "docker", attributes: Attributes): BuildOutput {
  const isTar = attributes.takeBoolean("tar") ?? true;
  return {
    kind: "archive",
    format,
    dest: readDestination(attributes, isTar),
    ...readNames(attributes),
    form: readForm(attributes, format),
  };
}

/** Without a destination docker's form goes where docker would load it: into the store. */
function readDocker(attributes: Attributes): BuildOutput {
  const dest = attributes.take("dest");
  if (dest === undefined)
    return { ...storeOutput, ...readNames(attributes), form: readForm(attributes, "oci") };
  attributes.put("dest", dest);
  return readArchive("docker", attributes);
}

function readImage(
  attributes: Attributes,
  defaults: { readonly store: boolean; readonly push: boolean },
): ImageOutput {
  const push = attributes.takeBoolean("push") ?? defaults.push;
  const byDigest = attributes.takeBoolean("push-by-digest") ?? false;
  const insecure = attributes.takeBoolean("registry.insecure") ?? false;
  const store = attributes.takeBoolean("store") ?? (defaults.store && !byDigest);
  // The store unpacks when somebody needs the tree, and knows every image by its digest, without a name for it.
  for (const needless of ["unpack", "name-canonical"]) attributes.takeBoolean(needless);
  attributes.take("dangling-name-prefix");
  const names = readNames(attributes);
  return {
    kind: "image",
    store,
    push,
    ...(byDigest && { byDigest }),
    ...(insecure && { insecure }),
    ...names,
    form: readForm(attributes, "oci"),
  };
}

function readNames(attributes: Attributes): { readonly names?: readonly Reference[] } {
  const text = attributes.take("name");
  if (text === undefined || text === "") return {};
  return { names: text.split(",").map((name) => parseReference(name.trim())) };
}

function readDestination(attributes: Attributes, isTar: boolean): Destination {
  const dest = attributes.take("dest");
  if (!isTar) {
    if (dest === undefined || dest === "-") throw attributes.fault("tar=false needs a directory as dest");
    return { kind: "directory", path: dest };
  }
  return dest === undefined || dest === "-" ? { kind: "stdout" } : { kind: "file", path: dest };
}

function readForm(attributes: Attributes, mediaTypes: ImageForm["mediaTypes"]): ImageForm {
  const compression =
    attributes.takeChoice("compression", ["uncompressed", "gzip", "zstd"]) ?? plainForm.layer.compression;
  const level = attributes.takeInteger("compression-level");
  const force = attributes.takeBoolean("force-compression");
  const isOci = attributes.takeBoolean("oci-mediatypes") ?? mediaTypes === "oci";
  // Times are set while layers are made: there is nothing left to rewrite.
  attributes.takeBoolean("rewrite-timestamp");
  return {
    layer: { compression, ...(level !== undefined && { level }), ...(force !== undefined && { force }) },
    mediaTypes: isOci ? "oci" : "docker",
    annotations: attributes
      .takeAll("annotation")
      .map(([key, value]) => readAnnotation(key, value, attributes)),
    ociArtifact: attributes.takeBoolean("oci-artifact") ?? true,
  };
}

function readAnnotation(key: string, value: string, attributes: Attributes): Annotation {
  const match =
    /^annotation(?:-(index|manifest|index-descriptor|manifest-descriptor))?(?:\[([^\]]*)\])?\.(.+)$/.exec(
      key,
    );
  const [, level = "manifest", platform, name] = match ?? [];
  if (name === undefined) throw attributes.fault(`it does not know "${key}"`);
  return {
    level: level as Annotation["level"],
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
    key: name,
    value,
  };
}

const annotationLevels = ["manifest", "manifest-descriptor", "index", "index-descriptor"] as const;

/** Reads `--annotation`: `[type[[platform]][,type[[platform]]]:]key=value`, as docker has it. @throws ARGUMENT_INVALID */
export function parseAnnotation(text: string): readonly Annotation[] {
  const [, types, key, value] = /^(?:([^=:]*):)?([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw annotationFault(text, "want name=value");
  return (types ?? "manifest").split(",").map((type) => {
    const [, name, platform] = /^([a-z-]+)(?:\[([^\]]*)\])?$/.exec(type) ?? [];
    const level = annotationLevels.find((known) => known === name);
    if (level === undefined)
      throw annotationFault(text, `unknown annotation type "${type}", want ${annotationLevels.join(", ")}`);
    return { level, ...(platform !== undefined && { platform: parsePlatform(platform) }), key, value };
  });
}

function annotationFault(text: string, state: string): LighterError {
  return new LighterError("ARGUMENT_INVALID", `cannot read --annotation "${text}": ${state}`);
}
