using System.Text;

using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli.Tests;

/// <summary>The command in this process, with streams in memory.</summary>
/// <param name="Status">Its exit status.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
internal sealed record Invocation(int Status, byte[] Output, string Error)
{
    public string OutputText => Encoding.UTF8.GetString(Output);

    public static async Task<Invocation> RunAsync(
        string? socketPath, string[] args, Stream? input = null, Stream? output = null, CancellationToken cancellation = default)
    {
        MemoryStream memory = new();
        MemoryStream error = new();
        StreamSet streams = new(() => input ?? new MemoryStream(), output ?? memory, error);
        int status = await CommandLine.RunAsync(socketPath is null ? args : ["--socket", socketPath, .. args], streams, cancellation);
        return new Invocation(status, memory.ToArray(), Encoding.UTF8.GetString(error.ToArray()));
    }
}
