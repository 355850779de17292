using PipeForkAs.Cli.Exchanges;
using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.Client.Exchanges;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Runs a job with the command's own streams, as if the job were the command. Needs one thread.</summary>
internal static class JobRun
{
    /// <summary>Runs the job.</summary>
    /// <param name="options">What the command line says.</param>
    /// <param name="streams">The command's streams.</param>
    /// <param name="report">Writes the command's own messages.</param>
    /// <returns>The exit status.</returns>
    /// <exception cref="PipeForkAsException">There is no complete reply, or a stream failed.</exception>
    public static int Execute(RunOptions options, StreamSet streams, Report report)
    {
        DaemonAddress address = HostOption.Address(options.Host, options.Socket, options.DaemonUid);
        JobRequest request = new(options.Job)
        {
            User = options.User,
            Arguments = Arguments(options, address),
            Environment = EnvironmentPairs.Parse(options.Environment),
            Timeout = options.Timeout,
            Ticket = TicketVariable.Value,
        };
        byte[] line = CallerTrace.AddTo(request.ToWire()).ToLine();
        JobInput? input = options.HasNoInput ? null : Input(streams.Input);
        using DaemonLink link = DaemonLink.Open(address);
        JobResult end = options.Json
            ? JsonReply.Run(outputs => JobExchange.Run(link, line, input, outputs), streams.Output)
            : JobExchange.Run(
                link, line, input,
                options.Frames ? Outputs.Frames(streams.Output) : Outputs.Separate(streams.Output, streams.Error));
        report.End(end);
        return ExitStatus.Of(end);
    }

    private static JobInput Input(FileDescriptor descriptor)
    {
        try
        {
            return new JobInput(descriptor);
        }
        catch (IOException failure)
        {
            throw new JobStreamException(JobStream.Input, failure);
        }
    }

    /// <summary>Returns the arguments as JSON; empty if there are none.</summary>
    private static ReadOnlyMemory<byte> Arguments(RunOptions options, DaemonAddress address)
    {
        if (options.Arguments is null && options.Pairs.Count == 0)
            return default;

        PipeForkAsClient client = new(address, new SingleThreadExchanger());
        return JobArguments.ReadAsync(client, options.Job, options.Arguments, options.Pairs).GetAwaiter().GetResult();
    }
}
