/** The version in package.json; the bundler puts it in, for reading a file at every start would cost more than the command. */
declare const LIGHTER_VERSION: string;
