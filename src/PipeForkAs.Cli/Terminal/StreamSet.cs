using System.Text;

using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>The command's three streams: those of the process, or of a test.</summary>
/// <param name="Input">Standard input. Only a job that runs reads it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record StreamSet(FileDescriptor Input, Output Output, Output Error)
{
    /// <exception cref="IOException">Standard output takes no more; its <see cref="Exception.HResult"/> is errno.</exception>
    public void Write(string text) => Output.WriteAll(Encoding.UTF8.GetBytes(text));
}
