export { createNetworks, type NetworksOptions } from "./create-networks.ts";
