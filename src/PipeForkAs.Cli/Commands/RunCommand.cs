using System.CommandLine;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli.Commands;

/// <summary>Runs a job with the command's own streams, as if the job were the command.</summary>
internal sealed class RunCommand : Command
{
    private readonly Option<string?> user = new("--user", "-u")
    {
        Description = "Whom to run as, a name or a uid. Default: yourself",
        HelpName = "USER",
    };

    private readonly Option<TimeSpan?> timeout = new("--timeout", "-t")
    {
        Description = "End the job after this many seconds; can only shorten what is configured",
        HelpName = "SECONDS",
        CustomParser = Seconds.Parse,
    };

    private readonly Option<string[]> environment = new("--env", "-e")
    {
        Description = "A variable for the job, one that the job allows; may be given several times",
        HelpName = "NAME=VALUE",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> noInput = new("--no-stdin", "-n") { Description = "Send no input, and read none: for loops" };

    private readonly Option<bool> frames = new("--frames") { Description = "Write the reply to standard output as it came, in frames" };

    private readonly Option<bool> json = new("--json") { Description = "Write one JSON object with both outputs and the end record" };

    private readonly JobAndArguments asked;
    private readonly SocketOption socket;

    public RunCommand(SocketOption socket, StreamSet streams, Report report)
        : base("run",
            "Runs a job. Input, outputs and exit status pass through; 124: timeout, 125: trouble, 126: denied, 127: unknown job, 128+N: "
            + "signal N.")
    {
        this.socket = socket;
        asked = new JobAndArguments(this);
        Add(user);
        Add(timeout);
        Add(environment);
        Add(noInput);
        Add(frames);
        Add(json);
        Validators.Add(result =>
        {
            if (result.GetValue(frames) && result.GetValue(json))
                result.AddError("--frames and --json are two forms of the reply; use one of them");
        });
        SetAction(parsed => JobRun.Execute(ReadOptions(parsed), streams, report));
    }

    /// <summary>Returns what a line without errors says.</summary>
    public RunOptions ReadOptions(ParseResult parsed) => new(asked.Job(parsed))
    {
        Socket = parsed.GetValue(socket),
        DaemonUid = socket.DaemonUid(parsed),
        User = parsed.GetValue(user),
        Timeout = parsed.GetValue(timeout),
        Environment = parsed.GetValue(environment) ?? [],
        Pairs = asked.Pairs(parsed),
        Arguments = asked.Json(parsed),
        HasNoInput = parsed.GetValue(noInput),
        Frames = parsed.GetValue(frames),
        Json = parsed.GetValue(json),
    };
}
