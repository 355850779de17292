using System.Diagnostics;
using System.Text;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>What a program gave.</summary>
internal sealed record ToolResult(int ExitCode, byte[] Output, string Error)
{
    public string Text => Encoding.UTF8.GetString(Output);
}

/// <summary>Runs programs to their end.</summary>
internal static class Tool
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(150);

    /// <summary>Runs a program; one that does not end in time is killed and fails the test.</summary>
    public static async Task<ToolResult> RunAsync(IEnumerable<string> command, byte[]? input = null, TimeSpan? limit = null)
    {
        TimeSpan atMost = limit ?? Deadline;
        string[] words = [.. command];
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(words[0], words[1..])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        using var output = new MemoryStream();
        Task copied = process.StandardOutput.BaseStream.CopyToAsync(output);
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task fed = FeedAsync(process, input ?? []);
        using var deadline = new CancellationTokenSource(atMost);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            await Task.WhenAll(copied, error, fed).WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{string.Join(' ', words)} did not end in {atMost.TotalSeconds} s");
        }

        return new ToolResult(process.ExitCode, output.ToArray(), await error);
    }

    /// <summary>The same as another user.</summary>
    public static Task<ToolResult> RunAsAsync(string user, IEnumerable<string> command, byte[]? input = null) =>
        RunAsync(["runuser", "-u", user, "--", .. command], input);

    /// <summary>Runs a program that must succeed.</summary>
    public static async Task<string> MustAsync(params string[] command)
    {
        ToolResult result = await RunAsync(command);
        return result.ExitCode == 0
            ? result.Text
            : throw new InvalidOperationException($"{string.Join(' ', command)}: exit {result.ExitCode}: {result.Error}{result.Text}");
    }

    private static async Task FeedAsync(Process process, byte[] input)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program reads no more; what it says of that is its own.
        }
    }
}
