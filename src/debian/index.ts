export { type BinaryPackage, parseBinaryPackage } from "./binary-package.ts";
export { choosePackages, type Wanted } from "./choose.ts";
export { PackagesIndex } from "./packages-index.ts";
export { formatParagraph, Paragraph, parseParagraph, parseParagraphs } from "./paragraph.ts";
export {
  type Dependency,
  formatDependency,
  formatRelation,
  parseDependencies,
  parseRelations,
  type Relation,
} from "./relation.ts";
export { parseRelease, type Release, type ReleaseFile } from "./release.ts";
export { satisfiesRelation, Universe } from "./universe.ts";
export { compareVersions, satisfiesVersion, upstreamVersion, type VersionOperator } from "./version.ts";
