'use strict';

const { ProtocolViolationError, RequestError, RequestRefusedError } = require('./errors.js');
const { capture } = require('./jobs.js');
const { readJson } = require('./json.js');
const { CONNECTION_OPTIONS, MEMBERS, checkOptions, isObject, isTicket } = require('./request.js');

/** The size of a frame's header: JSON is the first thing in a reply. */
const JSON_START = 8;

async function list(options) {
    const jobs = await ask({ op: 'list' }, checkOptions(options, CONNECTION_OPTIONS));
    if (!Array.isArray(jobs) || !jobs.every(isObject))
        throw new ProtocolViolationError(JSON_START, 'the reply is not a list of jobs');
    return jobs;
}

async function describe(job, options) {
    return object(await ask({ op: 'describe', job }, checkOptions(options, CONNECTION_OPTIONS)));
}

async function check(job, options) {
    const known = [...MEMBERS, 'caller', ...CONNECTION_OPTIONS];
    const { user, args, env, timeout, ticket, caller, ...connection } = checkOptions(options, known);
    const reply = await capture({ op: 'check', job, user, args, env, timeout, ticket, caller }, connection);
    if (reply.stdout.length === 0 || !['ok', 'denied'].includes(reply.code))
        throw new RequestRefusedError(reply);
    return object(read(reply.stdout));
}

async function status(options) {
    return object(await ask({ op: 'status' }, checkOptions(options, CONNECTION_OPTIONS)));
}

async function cancel(id, options) {
    if (id === undefined)
        throw new RequestError('"id" is missing');
    const reply = await capture({ op: 'cancel', id }, checkOptions(options, CONNECTION_OPTIONS));
    if (reply.code !== 'ok')
        throw new RequestRefusedError(reply);
}

async function signIn(user, password, options) {
    const connection = checkOptions(options, CONNECTION_OPTIONS);
    if (typeof password !== 'string' && !ArrayBuffer.isView(password))
        throw new RequestError('the password must be a string or bytes');
    const answer = object(await ask({ op: 'sign-in', user }, connection, password));
    if (!isTicket(answer.ticket))
        throw new ProtocolViolationError(JSON_START, 'the reply has no ticket');
    return answer;
}

async function signOut(ticket, options) {
    const reply = await capture({ op: 'sign-out', ticket }, checkOptions(options, CONNECTION_OPTIONS));
    if (reply.code !== 'ok')
        throw new RequestRefusedError(reply);
}

async function ask(request, connection, input) {
    const reply = await capture(request, connection, input);
    if (reply.code !== 'ok')
        throw new RequestRefusedError(reply);
    return read(reply.stdout);
}

function read(json) {
    try {
        return readJson(json);
    } catch (failure) {
        throw new ProtocolViolationError(JSON_START, 'the reply is not JSON', failure);
    }
}

function object(value) {
    if (!isObject(value) || Array.isArray(value))
        throw new ProtocolViolationError(JSON_START, 'the reply is not an object');
    return value;
}

module.exports = { cancel, check, describe, list, signIn, signOut, status };
