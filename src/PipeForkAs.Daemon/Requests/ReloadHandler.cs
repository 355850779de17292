using System.Text;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Answers <c>reload</c> when the reload has ended: with the changes, or with the reasons why it was refused, one line for each problem.
/// </summary>
internal sealed class ReloadHandler(Func<Task<ReloadResult>> reload)
{
    /// <summary>Answers the request.</summary>
    /// <exception cref="RefusedException">The caller is not root.</exception>
    public async ValueTask<EndRecord> ReloadAsync(Caller caller, Reply reply)
    {
        if (caller.Uid != UserId.Root)
            throw new RefusedException(ReplyCode.Denied, "only root may reload the configuration");
        ReloadResult result = await reload();
        IReadOnlyList<string> lines = result.IsRefused ? result.Problems : result.Changed;
        byte[] output = Encoding.UTF8.GetBytes(string.Concat(lines.Select(static line => UntrustedText.Escape(line) + "\n")));
        await reply.WriteAsync(output);
        return new EndRecord
        {
            Code = result.IsRefused ? ReplyCode.Failed : ReplyCode.Ok,
            Message = result.IsRefused ? "configuration not reloaded; the former one still applies" : null,
            Stdout = output.Length,
        };
    }
}
