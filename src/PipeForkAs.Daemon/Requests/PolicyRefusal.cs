using PipeForkAs.Daemon.Callers;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Creates the reply to a request that no rule allows. It contains what the caller requested, and nothing about what exists.
/// </summary>
internal static class PolicyRefusal
{
    /// <summary>Returns the message.</summary>
    /// <param name="caller">The caller that the decision is about.</param>
    /// <param name="request">The request.</param>
    public static string Message(Caller caller, Request request)
    {
        string user = request.User is { } named ? $"\"{named}\"" : "itself";
        string hint = request.User is null && caller.Uid == UserId.Root ? "; name the user to run it as (--user USER)" : "";
        return $"the policy does not allow uid {caller.Uid} to run \"{request.Job}\" as {user}{hint}";
    }
}
