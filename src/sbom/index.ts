export { formatCycloneDx } from "./cyclonedx.ts";
export { type Distribution, packageUrl, type Sbom, type SbomPackage } from "./package.ts";
export { readDistribution, readPackages, type SbomTree } from "./read-packages.ts";
export { formatSpdx } from "./spdx.ts";
