using System.Text.RegularExpressions;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>The types of the client for Node: what the compiler of TypeScript says of programs.</summary>
public sealed partial class TypeScriptTests
{
    private const string Client = "src/clients/node";

    /// <summary>The compiler, and the types of the oldest Node that the client is for. They come from the registry of npm.</summary>
    private static readonly string[] Packages = ["typescript@5.9.3", "@types/node@18.19.130"];

    [Fact(Timeout = Bound.Test)]
    public async Task The_types_for_Node_take_the_programs_of_the_page_and_refuse_mistakes()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix);
        try
        {
            string compiler = await InstallAsync(folder.CreateSubdirectory("compiler").FullName);
            string sources = folder.CreateSubdirectory("sources").FullName;
            Directory.CreateDirectory(Path.Combine(sources, "node_modules"));
            Directory.CreateSymbolicLink(Path.Combine(sources, "node_modules/pipeforkas"), Path.Combine(Page.Root, Client));
            string[] examples = Page.Examples($"{Client}/README.md", "js");
            for (int number = 0; number < examples.Length; number++)
                await WriteAsync($"{number}.mts", examples[number]);
            await WriteAsync(
                "required.cts", "import client = require('pipeforkas');\nvoid client.run('id').then(id => id.stdout.trim());\n");
            File.Copy(Path.Combine(Page.Root, "tests/clients/node/types.mts"), Path.Combine(sources, "types.mts"));

            string[] files = [.. Directory.EnumerateFiles(sources, "*.?ts")];
            Assert.Equal(examples.Length + 2, files.Length);
            ToolResult compiled = await Tool.RunAsync(
            [
                "env", "-C", sources, "node", $"{compiler}/typescript/bin/tsc", "--noEmit", "--strict", "--target", "es2022",
                "--lib", "es2022", "--module", "node16", "--moduleResolution", "node16", "--typeRoots", $"{compiler}/@types",
                "--types", "node", .. files,
            ]);
            Assert.True(compiled.ExitCode == 0, compiled.Text + compiled.Error);

            Task WriteAsync(string name, string content) =>
                File.WriteAllTextAsync(Path.Combine(sources, name), content, TestContext.Current.CancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Returns the folder of the installed packages.</summary>
    private static async Task<string> InstallAsync(string folder)
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(place => File.Exists(Path.Combine(place, "npm"))))
            Assert.Skip("npm is not installed: apt-get install npm");
        ToolResult installed = await Tool.RunAsync(
        [
            "env", $"npm_config_cache={folder}/cache", "npm_config_update_notifier=false", "npm_config_fetch_retries=1",
            "npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", .. Packages,
        ]);
        if (installed.ExitCode != 0 && NoNetwork().IsMatch(installed.Error))
            Assert.Skip($"the registry of npm, which has the compiler of TypeScript, cannot be reached: {installed.Error}");
        Assert.True(installed.ExitCode == 0, installed.Text + installed.Error);
        return $"{folder}/node_modules";
    }

    [GeneratedRegex("code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\\b")]
    private static partial Regex NoNetwork();
}
