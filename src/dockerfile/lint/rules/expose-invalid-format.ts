import { buildCheck } from "../rule.ts";

export const exposeInvalidFormat = buildCheck({
  name: "ExposeInvalidFormat",
  description:
    "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
  format: (port: string) =>
    `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`,
});
