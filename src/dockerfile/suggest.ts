export { didYouMean, suggest } from "#base";
