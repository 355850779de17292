using PipeForkAs.Daemon.Callers;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>What a client is told whose request no rule allows: what it asked for, and nothing of what there is.</summary>
internal static class PolicyRefusal
{
    /// <summary>The message.</summary>
    /// <param name="caller">The caller that was decided for.</param>
    /// <param name="request">What was asked.</param>
    public static string Message(Caller caller, Request request)
    {
        string user = request.User is { } named ? $"\"{named}\"" : "itself";
        string hint = request.User is null && caller.Uid == UserId.Root ? "; name the user to run it as (--user USER)" : "";
        return $"the policy does not allow uid {caller.Uid} to run \"{request.Job}\" as {user}{hint}";
    }
}
