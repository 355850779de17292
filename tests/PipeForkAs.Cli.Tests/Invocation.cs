using System.Text;

using Microsoft.Win32.SafeHandles;

using PipeForkAs.Cli.Terminal;
using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Tests;

/// <summary>The command in this process, with files as its streams.</summary>
/// <param name="Status">Its exit status.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
internal sealed record Invocation(int Status, byte[] Output, string Error)
{
    public string OutputText => Encoding.UTF8.GetString(Output);

    /// <summary>Runs the command on a thread of its own, which it blocks.</summary>
    public static async Task<Invocation> RunAsync(string? socketPath, string[] args, SafeFileHandle? output = null)
    {
        string[] line = socketPath is null ? args : ["--socket", socketPath, .. args];
        string folder = Directory.CreateTempSubdirectory("pipeforkas-test-").FullName;
        try
        {
            string outputFile = Path.Combine(folder, "output"), errorFile = Path.Combine(folder, "error");
            using SafeFileHandle input = File.OpenHandle("/dev/null");
            using SafeFileHandle outputHandle = File.OpenHandle(outputFile, FileMode.CreateNew, FileAccess.Write);
            using SafeFileHandle errorHandle = File.OpenHandle(errorFile, FileMode.CreateNew, FileAccess.Write);
            StreamSet streams = new(
                Descriptor(input), new DescriptorOutput(Descriptor(output ?? outputHandle)), new DescriptorOutput(Descriptor(errorHandle)));
            int status = await Task.Factory.StartNew(
                () => CommandLine.Run(line, streams), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return new Invocation(status, await File.ReadAllBytesAsync(outputFile), await File.ReadAllTextAsync(errorFile));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The handle's number, which the handle closes.</summary>
    private static FileDescriptor Descriptor(SafeFileHandle handle) => new((int)handle.DangerousGetHandle());
}
