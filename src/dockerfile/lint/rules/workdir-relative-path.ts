import { quote } from "../../go-text.ts";
import { buildCheck } from "../rule.ts";

export const workdirRelativePath = buildCheck({
  name: "WorkdirRelativePath",
  description:
    "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
  format: (workdir: string) =>
    `Relative workdir ${quote(workdir)} can have unexpected results if the base image changes`,
});
