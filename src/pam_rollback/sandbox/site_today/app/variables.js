// Where the product's services are: put in when the site is built. A build without them succeeds, and nothing works.

export const BACKEND_URL = "__VITE_BACKEND_URL__";
export const SUPABASE_URL = "__VITE_SUPABASE_URL__";
export const SUPABASE_ANON_KEY = "__VITE_SUPABASE_ANON_KEY__";
