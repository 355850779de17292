using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Commands;

/// <summary>A program as a job: makes its command line from checked parameters. No shell is involved.</summary>
internal sealed class CommandJob
{
    private const int MaxValueLength = 32 * 1024;
    private readonly CommandOptions options;
    private readonly CommandWord[] words;
    private readonly Dictionary<string, ParameterPattern> patterns = new(StringComparer.Ordinal);

    public CommandJob(string name, CommandOptions options)
    {
        Name = name;
        this.options = options;
        words = [.. options.Command.Skip(1).Select(word => CommandWord.Parse(word, options.Parameters.ContainsKey))];
        foreach ((string parameter, ParameterOptions value) in options.Parameters)
        {
            if (value.Pattern is { } pattern)
                patterns.Add(parameter, ParameterPattern.Create(pattern));
        }
    }

    public string Name { get; }

    /// <summary>The absolute path of what is executed.</summary>
    public string Program => options.Command[0];

    /// <summary>What is restricted about it.</summary>
    public JobRestrictionOptions Restrictions => options;

    /// <summary>What <c>describe</c> shows: the parameters as a JSON schema.</summary>
    public JobDescription Describe() => new()
    {
        Name = Name,
        Kind = JobKind.Command,
        Description = options.Description,
        Arguments = options.Parameters.Count == 0 ? null : Schema(),
        Environment = [.. options.Env],
        Timeout = options.Timeout?.TotalSeconds,
    };

    /// <summary>The program and its arguments.</summary>
    /// <param name="arguments">The request's arguments as a JSON object; null for none.</param>
    /// <exception cref="RefusedException">A parameter is unknown, missing or not what it must be.</exception>
    public string[] CommandLine(byte[]? arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (arguments is not null)
        {
            using JsonDocument document = JsonDocument.Parse(arguments);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!values.TryAdd(property.Name, Value(property)))
                    throw Bad("stands twice", property.Name);
            }
        }

        var line = new List<string>(options.Command.Count) { Program };
        bool optionsEnded = false;
        foreach (CommandWord word in words)
        {
            optionsEnded |= word.Text == "--";
            bool mayBeOption = word.Parameter is not null && !optionsEnded;
            line.Add(word.Fill(parameter => Replace(parameter, values, mayBeOption)));
        }

        return [.. line];
    }

    private string Value(JsonProperty property)
    {
        if (!options.Parameters.TryGetValue(property.Name, out ParameterOptions? parameter))
        {
            string known = options.Parameters.Count == 0 ? "takes no arguments" : $"takes {string.Join(", ", options.Parameters.Keys)}";
            throw Bad($"there is no argument of that name; {Name} {known}", JobName.IsValid(property.Name) ? property.Name : "args");
        }

        JsonElement value = property.Value;
        return (parameter.Type, value.ValueKind) switch
        {
            ("string", JsonValueKind.String) => value.GetString()!,
            ("integer", JsonValueKind.Number) when value.TryGetInt64(out long number) => number.ToString(CultureInfo.InvariantCulture),
            ("number", JsonValueKind.Number) => value.GetRawText(),
            ("boolean", JsonValueKind.True) => "true",
            ("boolean", JsonValueKind.False) => "false",
            _ => throw Bad($"must be of type {parameter.Type}", property.Name),
        };
    }

    private string Replace(string name, Dictionary<string, string> values, bool mayBeOption)
    {
        ParameterOptions parameter = options.Parameters[name];
        if (!values.TryGetValue(name, out string? value))
            return Default(parameter) ?? throw Bad($"is missing; {Name} needs it", name);
        if (value.Contains('\0', StringComparison.Ordinal) || value.Length > MaxValueLength)
            throw Bad($"must have at most {MaxValueLength} characters and no NUL", name);
        if (value.StartsWith('-') && mayBeOption && !parameter.AllowLeadingDash)
            throw Bad("must not begin with '-', which the program would take for an option", name);
        if (patterns.TryGetValue(name, out ParameterPattern? pattern) && !pattern.Matches(value))
            throw Bad($"does not match the pattern {parameter.Pattern}", name);
        return value;
    }

    /// <summary>JSON's true and false reach a configuration as "True" and "False".</summary>
    private static string? Default(ParameterOptions parameter) =>
        parameter is { Type: "boolean", Default: { } text } ? (bool.Parse(text) ? "true" : "false") : parameter.Default;

    private JsonElement Schema()
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach ((string name, ParameterOptions parameter) in options.Parameters)
        {
            var property = new JsonObject { ["type"] = parameter.Type };
            if (parameter.Description.Length > 0)
                property["description"] = parameter.Description;
            if (parameter.Pattern is not null)
                property["pattern"] = parameter.Pattern;
            if (Default(parameter) is { } text)
                property["default"] = parameter.Type == "string" ? text : JsonNode.Parse(text);
            else
                required.Add((JsonNode)name);
            properties[name] = property;
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        if (required.Count > 0)
            schema["required"] = required;
        using JsonDocument document = JsonDocument.Parse(schema.ToJsonString());
        return document.RootElement.Clone();
    }

    private static RefusedException Bad(string problem, string argument) => new(ReplyCode.BadArguments, $"\"{argument}\": {problem}");
}
