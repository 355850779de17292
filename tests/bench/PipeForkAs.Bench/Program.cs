using System.CommandLine;
using PipeForkAs.Bench;
using PipeForkAs.LibC;

var quick = new Option<bool>(
    "--quick")
{ Description = "Few and short measurements, under 90 seconds: to see that all works, and figures that are nearly right" };
var soak = new Option<int>("--soak")
{
    Description = "Only the soak: so many workers of the tests' mix, of which none may hang or abort",
    HelpName = "N",
    DefaultValueFactory = _ => 0,
};
var native = new Option<DirectoryInfo>("--native") { Description = "The folder of the native executables", Required = true };
var tools = new Option<DirectoryInfo>("--tools") { Description = "The folder of floor and load", Required = true };
var contenders = new Option<DirectoryInfo>("--contenders") { Description = "The folder of the contenders' sources", Required = true };
var output = new Option<DirectoryInfo>("--output") { Description = "Where results.md and results.svg go", Required = true };
var commit = new Option<string>("--commit") { Description = "What is measured, for the report", DefaultValueFactory = _ => "unknown" };
var only = new Option<string[]>("--only")
{
    Description = "Only these parts: start, memory, latency, command, remote, relay, streams, sustained",
    HelpName = "PART",
    AllowMultipleArgumentsPerToken = true,
};

var former = new Option<FileInfo?>("--former")
{
    Description = "Another build of the command pipeforkas, which takes turns with this one",
    HelpName = "PROGRAM",
};

var command = new RootCommand("Measures PipeForkAs beside everything that could be used instead. tests/bench/run.sh calls it.")
{
    quick, soak, native, tools, contenders, output, commit, only, former,
};
soak.Validators.Add(result =>
{
    if (result.GetValue(soak) < 0)
        result.AddError("--soak must be a number of workers");
});
only.AcceptOnlyFromAmong(Settings.Parts);
command.SetAction(async (arguments, cancellation) =>
{
    if (Libc.geteuid() != UserId.Root)
    {
        await Console.Error.WriteLineAsync("the benchmark needs root: it makes a user and runs jobs as it");
        return 2;
    }

    var settings = new Settings(
        arguments.GetValue(quick), arguments.GetValue(soak), arguments.GetValue(native)!.FullName, arguments.GetValue(tools)!.FullName,
        arguments.GetValue(contenders)!.FullName, arguments.GetValue(output)!.FullName, arguments.GetValue(commit)!,
        arguments.GetValue(only) ?? [], arguments.GetValue(former)?.FullName);
    try
    {
        return await Benchmark.RunAsync(settings, cancellation) ? 0 : 1;
    }
    catch (OperationCanceledException)
    {
        await Console.Error.WriteLineAsync("ended early");
        return 130;
    }
});
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
