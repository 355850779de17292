using System.Globalization;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Fuzz.Targets;

namespace PipeForkAs.Fuzz;

/// <summary>tests/fuzz/run.sh runs it and describes how.</summary>
internal static class Program
{
    private const string Usage = """
        PipeForkAs.Fuzz list
        PipeForkAs.Fuzz instrument FOLDER
        PipeForkAs.Fuzz run TARGET CURRENT-FILE [OPTION OF LIBFUZZER]... [FOLDER]...
        PipeForkAs.Fuzz replay TARGET FILE-OR-BASE64
        PipeForkAs.Fuzz minimize TARGET FOLDER-TO-KEEP [FOLDER]...
        """;

    public static int Main(string[] arguments)
    {
        Coverage.Begin();
        switch (arguments)
        {
            case ["list"]:
                foreach (Target target in AllTargets.List)
                    Console.WriteLine($"{target.Name} {target.MaxLength}");
                return 0;
            case ["instrument", var folder]:
                Console.WriteLine($"{Instrumentation.Of(folder)} types are instrumented");
                return 0;
            case ["run", var name, var current, .. var options] when AllTargets.Find(name) is { } target:
                return LibFuzzer.Run(target, current, options);
            case ["replay", var name, var input] when AllTargets.Find(name) is { } target:
                return Replay(target, File.Exists(input) ? File.ReadAllBytes(input) : Convert.FromBase64String(input));
            case ["minimize", var name, .. { Length: > 0 } folders] when AllTargets.Find(name) is { } target:
                (int edges, int files) = Corpus.Minimize(target, folders);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{target.Name}: {edges} edges, {files} files"));
                return 0;
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    private static int Replay(Target target, byte[] input)
    {
        try
        {
            Console.WriteLine(target.Check(input) ? "accepted" : "refused");
            return 0;
        }
#pragma warning disable CA1031 // Every exception is a finding.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Console.WriteLine(Report.Of(target, input, failure));
            return LibFuzzer.FindingStatus;
        }
    }
}
