'use strict';

const { cancel, check, describe, list, signIn, signOut, status } = require('./lib/queries.js');
const { lines, run, start } = require('./lib/jobs.js');
const {
    AbortError, ConnectionError, InputError, JobFailedError, OutputTooLargeError, PipeForkAsError, ProtocolViolationError,
    RemoteHostError, ReplyCutShortError, RequestError, RequestRefusedError, UntrustedDaemonError,
} = require('./lib/errors.js');

// index.mjs names these again: Node finds the names of a CommonJS module by its text.
module.exports = {
    run,
    start,
    lines,
    list,
    describe,
    check,
    status,
    cancel,
    signIn,
    signOut,
    AbortError,
    ConnectionError,
    InputError,
    JobFailedError,
    OutputTooLargeError,
    PipeForkAsError,
    ProtocolViolationError,
    RemoteHostError,
    ReplyCutShortError,
    RequestError,
    RequestRefusedError,
    UntrustedDaemonError,
};
