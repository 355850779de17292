using System.Diagnostics;
using System.Net.Sockets;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

/// <summary>
/// The program as a process under a shell. It is the one that was built with the tests, or the native one that the environment variable
/// PIPEFORKAS_PROGRAM names.
/// </summary>
internal static class CommandProcess
{
    public static string? Native { get; } = Environment.GetEnvironmentVariable("PIPEFORKAS_PROGRAM");

    public static string Executable { get; } = Native ?? Path.Combine(AppContext.BaseDirectory, "pipeforkas");

    /// <summary>A daemon whose job copies its input.</summary>
    public static FakeDaemon Cat() => new(async connection =>
    {
        await connection.ReadRequestAsync();
        try
        {
            ReadOnlyMemory<byte> piece;
            while (!(piece = await connection.ReadInputAsync()).IsEmpty)
                await connection.SendAsync(Reply.Out(piece.ToArray()));
            await connection.SendAsync(Reply.Exit(0));
        }
        catch (SocketException)
        {
            // The client has disconnected, as some of the tests expect.
        }
    });

    /// <summary>Runs a script of bash, in which $P is the program, and returns both outputs.</summary>
    public static async Task<(string Output, string Error)> ShellAsync(FakeDaemon daemon, string script)
    {
        using Process shell = Start(daemon, "/bin/bash", "-c", script);
        shell.StandardInput.Close();
        Task<string> error = shell.StandardError.ReadToEndAsync();
        string output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return (output, await error);
    }

    /// <summary>Starts a process with the daemon's socket in its environment.</summary>
    public static Process Start(FakeDaemon daemon, string program, params string[] args) =>
        Process.Start(new ProcessStartInfo(program, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [ClientProtocol.SocketVariable] = daemon.SocketPath, ["P"] = Executable, ["SHELL"] = "/bin/bash" },
        })!;
}
