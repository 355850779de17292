using System.Text.Json.Nodes;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A daemon in its own mount namespace with a modified system; nothing of it is left when the daemon ends.</summary>
internal static class ApartDaemon
{
    /// <summary>Starts one; Hostile/apart.c describes the modifications.</summary>
    public static async Task<DaemonProcess> StartAsync(string folder, JsonObject configuration, params string[] before)
    {
        DaemonProcess daemon = await LaunchAsync(folder, configuration, before);
        await Crowd.ListeningAsync(daemon);
        return daemon;
    }

    /// <summary>Starts one without waiting for anything.</summary>
    public static async Task<DaemonProcess> LaunchAsync(string folder, JsonObject configuration, params string[] before)
    {
        string program = Path.Combine(folder, "apart");
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "apart.c"), program);
        await File.WriteAllLinesAsync($"{program}.apart", [.. before, $"exec {NativeBuild.Daemon}"]);
        return DaemonProcess.Launch(folder, configuration, program);
    }
}
