using System.Diagnostics;

namespace PipeForkAs.Bench;

/// <summary>The result of a program.</summary>
internal sealed record ToolResult(int ExitCode, string Output, string Error);

/// <summary>Runs programs to their end.</summary>
internal static class Tool
{
    /// <summary>Runs a program, and kills it on cancellation.</summary>
    public static async Task<ToolResult> RunAsync(IReadOnlyList<string> command, CancellationToken cancellation)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(command[0], command.Skip(1))
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new ToolResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a program that must succeed.</summary>
    public static async Task<string> MustAsync(params string[] command)
    {
        ToolResult result = await RunAsync(command, CancellationToken.None);
        return result.ExitCode == 0
            ? result.Output
            : throw new InvalidOperationException($"{string.Join(' ', command)}: exit {result.ExitCode}: {result.Error}{result.Output}");
    }

    /// <summary>The path of a program in the search path; null if there is none.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin", "/command"])
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
