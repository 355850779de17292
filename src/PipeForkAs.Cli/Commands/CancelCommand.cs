using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

using PipeForkAs.Cli.Replies;

namespace PipeForkAs.Cli.Commands;

/// <summary>Cancels a running job.</summary>
internal sealed class CancelCommand : Command
{
    private readonly Argument<long> id = new("ID") { Description = "The job's id; see: pipeforkas status", CustomParser = ParseId };
    private readonly SocketOption socket;

    public CancelCommand(SocketOption socket)
        : base("cancel", "Cancels a running job, as if its client had disconnected. For the caller that requested it, and for root.")
    {
        this.socket = socket;
        Add(id);
        SetAction(RunAsync);
    }

    private static long ParseId(ArgumentResult result)
    {
        string word = result.Tokens[0].Value;
        if (long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long id) && id > 0)
            return id;

        result.AddError($"ID must be a number of at least 1, not \"{word}\"; see: pipeforkas status");
        return 0;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        await socket.Client(parsed).CancelAsync(parsed.GetValue(id), cancellation);
        return ExitStatus.Success;
    }
}
