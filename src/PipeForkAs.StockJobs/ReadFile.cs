using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>What <c>read-file</c> takes.</summary>
/// <param name="Path">The file; relative to the working directory, which is the user's home.</param>
internal sealed record ReadFileArguments(string Path);

/// <summary>The job <c>read-file</c>: arguments in, a stream out.</summary>
internal static class ReadFile
{
    public static int Read(ReadFileArguments arguments, JobContext context)
    {
        // A pipe or a device would make the job wait or go on for ever.
        if (Libc.stat(arguments.Path) is { Kind: not FileKind.Regular and var kind })
            throw new IOException($"{arguments.Path} is no regular file but: {kind}");

        using FileStream file = File.OpenRead(arguments.Path);
        file.CopyTo(context.Output);
        return 0;
    }
}
