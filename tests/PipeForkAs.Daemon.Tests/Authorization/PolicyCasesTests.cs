using System.Text;
using Microsoft.Extensions.Configuration;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>Runs the cases of policy-cases.txt, which describes its format.</summary>
public sealed class PolicyCasesTests
{
    private const int AtLeast = 300;

    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Authorization", "policy-cases.txt"));

    [Fact]
    public async Task Every_case_has_the_written_decision()
    {
        Policy? policy = null;
        var wrong = new List<string>();
        int cases = 0;
        for (int i = 0; i < Lines.Length; i++)
        {
            if (Lines[i].Length == 0 || Lines[i][0] == '#')
                continue;
            if (Lines[i].StartsWith("== ", StringComparison.Ordinal))
            {
                string json = string.Join('\n', Lines.Skip(i + 1).TakeWhile(line => line.Length > 0));
                i += json.Split('\n').Length;
                policy = Read(json);
                continue;
            }

            cases++;
            if (await ProblemAsync(policy!, Lines[i]) is { } problem)
                wrong.Add($"line {i + 1}: {Lines[i]}: {problem}");
        }

        Assert.Empty(wrong);
        Assert.InRange(cases, AtLeast, int.MaxValue);
    }

    [Fact]
    public void Each_case_has_its_reason()
    {
        string[] all = [.. Lines.Where(line => line.Length > 0 && char.IsAsciiLetterLower(line[0]))];
        Assert.All(all, line => Assert.True(line.Split(" | ") is [_, { Length: > 3 }], line));
    }

    private static async Task<string?> ProblemAsync(Policy policy, string line)
    {
        string[] words = line.Split(" | ")[0].Split(' ', 5, StringSplitOptions.RemoveEmptyEntries);
        byte[]? arguments = words[4].Trim() == "-" ? null : Encoding.UTF8.GetBytes(words[4].Trim());
        PolicyAuthorizer authorizer = PolicyWorld.Authorizer(policy);
        string[] caller = words[1].Split('+');
        Account? signedIn = caller.Length > 1 ? PolicyWorld.Instance.Find(UserSelector.Parse(caller[1])) : null;
        Decision decision = await authorizer.DecideAsync(
            PolicyWorld.Instance.Caller(caller[0]), words[2], UserSelector.Parse(words[3]), arguments,
            signedIn: signedIn is null ? null : new SignedInUser(signedIn.Name, new UserId(signedIn.Uid)));
        string rule = decision.Rule is { } name ? ":" + name.Replace(' ', '-') : "";
        string told = decision.Answer switch
        {
            Answer.Allowed => $"allow{rule}",
            Answer.Denied => $"deny{rule}",
            Answer.UnknownUser => "unknown",
            _ => decision.Answer.ToString(),
        };
        return told == words[0] ? null : $"it is {told}: {decision.Reason}";
    }

    private static Policy Read(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        var options = new PolicyOptions();
        IConfigurationRoot root = new ConfigurationBuilder().AddJsonStream(stream).Build();
        root.Bind(options);
        if (json.Contains("\"Rules\"", StringComparison.Ordinal))
            options.Rules ??= [];
        return PolicyReader.Read(options, PolicyWorld.Instance);
    }
}
