using System.CommandLine;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli.Commands;

/// <summary>Runs a job with the command's own streams, as if the job were the command.</summary>
internal sealed class RunCommand : Command
{
    private readonly Option<string?> user = new("--user", "-u")
    {
        Description = "User to run the job as (name or uid); default: the calling user",
        HelpName = "USER",
    };

    private readonly Option<TimeSpan?> timeout = new("--timeout", "-t")
    {
        Description = "Time out the job after this many seconds; can only shorten the configured limit",
        HelpName = "SECONDS",
        CustomParser = Seconds.Parse,
    };

    private readonly Option<string[]> environment = new("--env", "-e")
    {
        Description = "Environment variable for the job, if the job allows it; can be repeated",
        HelpName = "NAME=VALUE",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> noInput = new("--no-stdin", "-n")
    {
        Description = "Send no input and leave standard input unread, for loops",
    };

    private readonly Option<bool> frames = new("--frames") { Description = "Write the frames of the reply to standard output" };

    private readonly Option<bool> json = new("--json") { Description = "Write one JSON object with both outputs and the end record" };

    private readonly JobAndArguments asked;
    private readonly SocketOption socket;

    public RunCommand(SocketOption socket, StreamSet streams, Report report)
        : base("run",
            "Runs a job. Input, outputs and exit status pass through; 124: timeout, 125: error, 126: denied, 127: unknown job, 128+N: "
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
                result.AddError("--frames and --json cannot be combined; use one of them");
        });
        SetAction(parsed => JobRun.Execute(ReadOptions(parsed), streams, report));
    }

    /// <summary>Returns what a line without errors says.</summary>
    public RunOptions ReadOptions(ParseResult parsed) => new(asked.Job(parsed))
    {
        Host = socket.Host(parsed),
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
