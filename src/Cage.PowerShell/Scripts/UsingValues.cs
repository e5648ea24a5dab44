using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;
using Cage.Engine;

namespace Cage.PowerShell.Scripts;

/// <summary>The values that a script block takes along from its caller by <c>$using:</c> (about_Remote_Variables).</summary>
internal static class UsingValues
{
    /// <summary>Finds and reads them, by the keys under which the other side looks for them: the expression's text, a variable's in lower case,
    /// in UTF-16 and base 64.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: a variable that is not there.</exception>
    public static Hashtable Of(ScriptBlock script, SessionState session)
    {
        Hashtable values = [];
        foreach (UsingExpressionAst expression in script.Ast.FindAll(ast => ast is UsingExpressionAst, searchNestedScriptBlocks: true).Cast<UsingExpressionAst>())
        {
            string text = expression.Extent.Text;
            string key = expression.SubExpression is VariableExpressionAst ? text.ToLowerInvariant() : text;
            values[Convert.ToBase64String(Encoding.Unicode.GetBytes(key))] = Read(expression, session);
        }
        return values;
    }

    private static object? Read(UsingExpressionAst expression, SessionState session)
    {
        string text = expression.Extent.Text;
        VariablePath path = UsingExpressionAst.ExtractUsingVariable(expression).VariablePath;
        if (path.IsVariable && session.PSVariable.Get(path.UserPath) is null)
            throw new CageException(CageError.CageArgumentInvalid, $"{text} has no value: ${path.UserPath} is not set here.", target: path.UserPath);
        if (expression.SubExpression is VariableExpressionAst) return session.PSVariable.GetValue(path.UserPath);
        // A member or an element of a variable. In a list of one, so that a list of one stays what it is.
        return ScriptBlock.Create($",({text.Replace("$using:", "$", StringComparison.OrdinalIgnoreCase)})").InvokeReturnAsIs();
    }
}
