export { createNetworks, type NetworksOptions } from "./create-networks.ts";
export { parsePortMapping } from "./port-mapping.ts";
